-- A message by its short number, as `twinwire why` takes it: hardly a cost when a row is made.
create index messages_seq on messages using brin (seq);
