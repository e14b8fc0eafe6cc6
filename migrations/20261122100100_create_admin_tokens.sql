-- What operators' programs show to the admin API. Of a token only its hash is kept: it is shown once, when it is made.
create table admin_tokens (
    id bigint generated always as identity primary key,
    name text not null check (name <> ''),
    -- What it may: read, operate (read as well), or admin (everything).
    scope text not null check (scope in ('read', 'operate', 'admin')),
    token_hash bytea not null unique check (octet_length(token_hash) = 32),
    created_at timestamptz not null default now(),
    -- At most a minute old: not every request is a write.
    last_used_at timestamptz,
    revoked_at timestamptz
);
-- A name is free again once its token is revoked; the old line stays for the record.
create unique index admin_tokens_name on admin_tokens (name) where revoked_at is null;
