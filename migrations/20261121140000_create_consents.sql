-- What customers said about being texted, append only: who opted out of a number's texts, who opted in again, and when.
create table consents (
    id bigint generated always as identity,
    channel_id bigint not null references channels (id),
    external_conversation_id text not null,
    -- When the customer wrote it, by the provider's clock.
    at timestamptz not null,
    word text not null check (word in ('stop', 'start', 'help')),
    -- The text that said it, as it was written; empty where the provider says it in an error.
    text text not null,
    -- The message that said it; none where a send of ours was refused for it.
    provider_message_id text,
    created_at timestamptz not null default now(),
    primary key (channel_id, external_conversation_id, id),
    unique (channel_id, provider_message_id)
);
