-- Facts about this installation as a whole: where vendors reach it, and whether the secret key is the right one.
create table installation (
    name text primary key,
    value bytea not null,
    updated_at timestamptz not null default now()
);
