-- Browsers that are signed in to the dashboard. A session stems from a token and ends with it.
create table dashboard_sessions (
    -- SHA-256 of what the browser shows.
    session_hash bytea primary key check (octet_length(session_hash) = 32),
    -- The token that it stems from: one of the table, or the server's own, TWINWIRE_ADMIN_TOKEN, as a keyed hash.
    admin_token_id bigint references admin_tokens (id) on delete cascade,
    own_token_mac bytea check (octet_length(own_token_mac) = 32),
    created_at timestamptz not null,
    -- At most a minute old: not every page is a write.
    last_used_at timestamptz not null,
    expires_at timestamptz not null,
    check (num_nonnulls(admin_token_id, own_token_mac) = 1)
);
create index dashboard_sessions_expires_at on dashboard_sessions (expires_at);
comment on table dashboard_sessions is 'Browsers that are signed in to the dashboard. Not readable.';
comment on column dashboard_sessions.session_hash is 'SHA-256 of what the browser shows. Not readable.';
comment on column dashboard_sessions.admin_token_id is 'The token that it stems from: admin_tokens.id. Not readable.';
comment on column dashboard_sessions.own_token_mac is 'Where it stems from TWINWIRE_ADMIN_TOKEN: a keyed hash of it. Not readable.';
comment on column dashboard_sessions.created_at is 'When somebody signed in. Not readable.';
comment on column dashboard_sessions.last_used_at is 'When it was last used, to the minute. Not readable.';
comment on column dashboard_sessions.expires_at is 'When it ends. Not readable.';
