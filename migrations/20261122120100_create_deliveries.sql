-- The outbox: one row is one event for one endpoint, written in the transaction in which it happened. It holds what
-- happened to which message, and nothing of the message itself: that is read when the event is sent.
create table deliveries (
    -- Grows with every event of a message, in their order: its row is locked while one is written.
    id bigint generated always as identity primary key,
    public_id text not null unique default 'evt_' || replace(gen_random_uuid()::text, '-', ''),
    endpoint_id bigint not null references endpoints (id),
    event_type text not null,
    channel_id bigint references channels (id),
    external_id text,
    happened_at timestamptz not null default now(),
    -- Since when it waits: it is tried for three days from then.
    queued_at timestamptz not null default now(),
    state text not null default 'pending' check (state in ('pending', 'delivered', 'failed', 'canceled')),
    attempts integer not null default 0,
    -- When it is tried next; while one process tries it, when another one may.
    next_at timestamptz default now(),
    claimed_by text,
    last_status integer,
    last_error text,
    finished_at timestamptz
);
create index deliveries_due on deliveries (endpoint_id, next_at, id) where state = 'pending';
create index deliveries_of_message on deliveries (channel_id, external_id);
create index deliveries_finished on deliveries (finished_at) where state <> 'pending';
