-- What is only ever added beside a message needs no check of its own that the channel exists: the message has it, and channels
-- are never deleted. Each check locked the channel's row once more, in every transaction about any of its messages.
alter table attempts drop constraint attempts_channel_id_fkey;
alter table webhook_log drop constraint webhook_log_channel_id_fkey;
