-- What was seen of a message stands in its story as well, with the way by which it came: of a webhook its number in
-- webhook_log, where it lies under the same time, and the vendor's word for the event.
alter table attempts drop constraint attempts_step_check;
alter table attempts add constraint attempts_step_check check (step in ('begin', 'apply', 'note', 'seen'));
alter table attempts
    add column way text check (way in ('webhook', 'list', 'look_up', 'answer', 'operator')),
    add column webhook_id bigint,
    add column event text;
