-- The same for whose turn it is: while most of what is there waits, it costs as much to ask among all messages of a
-- conversation, and that is what was done.
drop index messages_turn;
create index messages_turn on messages (channel_id, external_conversation_id, origin, occurred_at, seq)
    where parked is null
        and ((origin = 'helpdesk' and provider_message_id is null)
            or (origin = 'provider' and helpdesk_message_id is null));
