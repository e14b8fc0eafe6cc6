-- Where other programs want to hear what becomes of messages: outgoing webhooks.
create table endpoints (
    id bigint generated always as identity primary key,
    public_id text not null unique,
    url text not null,
    -- What is sent is signed with it. The one before goes on signing for a while, so that it can be changed in peace.
    sealed_secret bytea not null,
    sealed_old_secret bytea,
    old_secret_until timestamptz,
    -- Only these types of events; all of them where it is empty.
    event_types text[] not null default '{}',
    -- Only of this channel; of all where it is null.
    channel_id bigint references channels (id),
    -- Whether the texts of messages are sent along.
    with_body boolean not null default false,
    state text not null default 'active' check (state in ('active', 'paused', 'disabled', 'deleted')),
    state_reason text,
    -- It failed several times in a row and rests until then.
    paused_until timestamptz,
    failures integer not null default 0,
    failing_since timestamptz,
    last_error text,
    last_delivered_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
) with (fillfactor = 50);
