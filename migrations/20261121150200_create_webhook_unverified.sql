-- How many requests of an account were taken although they were not verified. Where it stays at zero, verification can be
-- enforced without a loss. Written every few seconds; webhook_log.unverified says it of each request.
create table webhook_unverified (
    day date not null,
    account_id bigint not null references accounts (id),
    reason text not null,
    count bigint not null,
    last_at timestamptz not null,
    primary key (account_id, day, reason)
);
