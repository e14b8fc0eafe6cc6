-- People who were erased, by a keyed hash of their address: what is from before does not come back.
create table erasures (
    person text primary key,
    erased_at timestamptz not null,
    -- How often they were erased: they may have written again since.
    times integer not null default 1
);
-- The request was emptied because somebody in it was erased.
alter table webhook_log add column erased boolean not null default false;
