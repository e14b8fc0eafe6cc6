-- The story of a message, append only: a line when an act begins, a line when its outcome is written, and one for
-- each decision in between.
create table attempts (
    id bigint generated always as identity,
    channel_id bigint not null references channels (id),
    external_id text not null,
    at timestamptz not null,
    step text not null check (step in ('begin', 'apply', 'note')),
    act text,
    outcome text,
    detail text,
    owner text,
    fence bigint,
    primary key (channel_id, external_id, id)
);
-- What happened since a moment, without a second costly index.
create index attempts_at on attempts using brin (at);
