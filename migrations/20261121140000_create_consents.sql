-- What customers said about being texted, append only: who opted out of a number's texts, who opted in again, and when.
create table consents (
    id bigint generated always as identity,
    channel_id bigint not null references channels (id),
    external_conversation_id text not null,
    -- When the customer wrote it, by the provider's clock.
    at timestamptz not null,
    word text not null check (word in ('stop', 'start', 'help')),
    -- Whether the customer wrote it, or the provider says it in an error. Only what they wrote is acted on: a provider
    -- refuses by itself for as long as it sees a reason to.
    source text not null default 'customer' check (source in ('customer', 'provider')),
    -- The text that said it, as it was written; empty where the provider says it in an error.
    text text not null,
    -- The message that said it; none where a send of ours was refused for it.
    provider_message_id text,
    created_at timestamptz not null default now(),
    primary key (channel_id, external_conversation_id, id),
    unique (channel_id, provider_message_id)
);
