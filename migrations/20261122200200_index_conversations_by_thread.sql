-- A conversation is looked up by what the helpdesk calls it, in one channel or in all.
create index conversations_thread on conversations (helpdesk_thread_id, channel_id) where helpdesk_thread_id is not null;
