-- Messages put aside are listed from their newest end and counted up to a limit, channel by channel; years of history that
-- was too old must be in the way of neither.
create index messages_aside on messages (channel_id, seq) where parked is not null and parked <> 'too_old';
create index messages_too_old on messages (channel_id, seq) where parked = 'too_old';
drop index messages_parked;
