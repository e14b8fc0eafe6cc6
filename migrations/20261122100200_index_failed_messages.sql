-- What the provider took and did not deliver, the newest first: rare among all messages, and what operators ask for. Without
-- this the whole table is read for it.
create index messages_failed on messages (channel_id, seq)
    where provider_status in ('failed', 'undelivered', 'canceled');
