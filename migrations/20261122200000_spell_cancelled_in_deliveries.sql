-- One spelling for what was called off, in every table and in the API: jobs say cancelled.
alter table deliveries drop constraint deliveries_state_check;
update deliveries set state = 'cancelled' where state = 'canceled';
alter table deliveries
    add constraint deliveries_state_check check (state in ('pending', 'delivered', 'failed', 'cancelled'));
comment on column deliveries.state is 'pending, delivered, failed (given up after three days) or cancelled.';
