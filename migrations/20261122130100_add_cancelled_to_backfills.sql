-- Who wants a reading to end. It ends at the next page.
alter table backfills add column cancelled_by text;
alter table backfills drop constraint backfills_state_check;
alter table backfills
    add constraint backfills_state_check check (state in ('queued', 'running', 'done', 'failed', 'cancelled'));
