-- The mark of an attempt stands no more in the condition of an index, and pages keep room for a second version of a row: a
-- message that is begun is then written to its own page alone, and to no index (a HOT update).
create index messages_unbound on messages (channel_id, external_conversation_id)
    where origin = 'helpdesk' and provider_message_id is null;
drop index messages_uncertain;
alter table messages set (fillfactor = 70);
