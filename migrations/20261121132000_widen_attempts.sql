-- What was seen of a message stands in its story as well, with the way by which it came: of a webhook its number in
-- webhook_log, where it lies under the same time, and the vendor's word for the event.
alter table attempts add column way text, add column webhook_id bigint, add column event text;
-- Not checked for the lines that are there, which are right: the table may be long, and would be locked meanwhile.
alter table attempts drop constraint attempts_step_check;
alter table attempts
    add constraint attempts_step_check check (step in ('begin', 'apply', 'note', 'seen')) not valid,
    add constraint attempts_way_check check (way in ('webhook', 'list', 'look_up', 'answer', 'operator')) not valid;
