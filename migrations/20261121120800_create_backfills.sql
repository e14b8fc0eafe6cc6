-- Readings of a provider's list: polls (every minute), incremental backfills and full ones.
create table backfills (
    id bigint generated always as identity primary key,
    account_id bigint not null references accounts (id),
    channel_id bigint references channels (id),
    kind text not null check (kind in ('poll', 'incremental', 'full')),
    state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed')),
    requested_by text not null,
    -- Where to go on after a crash or a failure.
    next_page text,
    pages integer not null default 0,
    seen bigint not null default 0,
    inserted bigint not null default 0,
    updated bigint not null default 0,
    -- Failures since the last page. With too many it is over; before that, `error` is the latest one.
    failures integer not null default 0,
    error text,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    row_updated_at timestamptz not null default now()
);
-- Who asks for what waits already joins it. One that runs may be past what the asker wants to be read.
create unique index backfills_one_waits on backfills (account_id, kind) where state = 'queued';
create index backfills_open on backfills (account_id, kind) where state in ('queued', 'running');
create index backfills_channel on backfills (channel_id, id);
