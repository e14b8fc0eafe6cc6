-- An erasure that is cancelled before it begins is taken back: then the one before it counts again.
alter table erasures add column before timestamptz;
comment on table erasures is 'People who were erased, by a keyed hash of their address. Not readable.';
comment on column erasures.person is 'The keyed hash.';
comment on column erasures.erased_at is 'What is from before does not come back.';
comment on column erasures.times is 'How often they were erased.';
comment on column erasures.before is 'When they were erased before, if they were; it counts again if the last one is cancelled.';
