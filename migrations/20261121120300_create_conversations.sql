-- One customer's thread in a channel, and what the helpdesk calls it.
create table conversations (
    channel_id bigint not null references channels (id),
    external_conversation_id text not null,
    helpdesk_thread_id text,
    created_at timestamptz not null default now(),
    primary key (channel_id, external_conversation_id)
);
