-- What was put aside, by reason: whoever watches asks every few seconds. Old history that was put aside unread is left out;
-- there may be any amount of it.
create index messages_put_aside on messages (parked) where parked is not null and parked <> 'too_old';
