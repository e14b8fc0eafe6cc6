-- Budgets of calls that several channels and processes share: when the next call of each is free.
create table paces (
    key text primary key,
    free_at timestamptz not null
) with (fillfactor = 50);
