-- A message by its short number, as `twinwire why` takes it.
create index messages_seq on messages (channel_id, seq);
