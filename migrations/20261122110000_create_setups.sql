-- Set-ups in progress: any face goes on where another one stopped. Kept for a day.
create table setups (
    public_id text primary key,
    pair text not null,
    -- The channel, once it is made; or the one whose answers change.
    channel_id bigint references channels (id) on delete cascade,
    -- Sealed: the answers and what came of them. Empty of answers once the channel is made.
    sealed_progress bytea not null,
    -- Grows with every change, so that two faces at once do not undo each other's.
    version bigint not null default 0,
    -- A link to the page that can be used once, and the cookie that it was exchanged for: their hashes.
    link_hash bytea unique,
    link_until timestamptz,
    visitor_hash bytea unique,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index setups_expires_at on setups (expires_at);
