-- Long work that is no reading of a list: retention, erasing a person, taking logged requests again. Its number is one of
-- the same series as a reading's, so that one number names one job.
create table jobs (
    id bigint primary key default nextval('backfills_id_seq'),
    kind text not null check (kind in ('retain', 'erase', 'replay')),
    state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    requested_by text not null,
    -- What was asked for, and, sealed, what of it is about a person; gone once the job is over.
    asked jsonb not null default '{}',
    sealed bytea,
    -- Where to go on after a crash or a failure.
    place jsonb not null default '{}',
    -- What it is at, in words, and what it has done so far.
    doing text,
    counts jsonb not null default '{}',
    -- Failures since it last got further.
    failures integer not null default 0,
    error text,
    -- Who wants it to end. It ends at the next step.
    cancelled_by text,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    row_updated_at timestamptz not null default now()
);
create unique index jobs_one_retention_waits on jobs (kind) where state = 'queued' and kind = 'retain';
create index jobs_open on jobs (id) where state in ('queued', 'running');
