-- Credentials for one vendor. Paused as a whole when the vendor throttles or refuses the credentials.
create table accounts (
    id bigint generated always as identity primary key,
    public_id text not null unique,
    connector text not null,
    -- What makes it the same account at the vendor; null where every channel has an account of its own.
    identity text,
    -- Sealed: all answers of the set-up, secret or not.
    sealed_settings bytea not null,
    paused_until timestamptz,
    pause_reason text,
    -- Refusals in a row, for the length of the next pause.
    pauses integer not null default 0,
    -- Everything that the vendor had up to then has been read.
    polled_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index accounts_identity on accounts (connector, identity) where identity is not null;
