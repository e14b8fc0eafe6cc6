-- The replication table: one row is one message of one conversation, with the ids of both sides. A row that lacks one
-- is work to do; a row with both is done.
create table messages (
    channel_id bigint not null references channels (id),
    external_id text not null,
    seq bigint generated always as identity,
    origin text not null check (origin in ('helpdesk', 'provider')),
    direction text not null check (direction in ('inbound', 'outbound')),
    external_conversation_id text not null,
    sender text not null,
    recipient text not null,
    body text not null,
    -- Its files: where the vendor has each, what it is, and whether we have it (`state`: wanted, kept, said, missing).
    media jsonb not null default '[]',
    -- A text of the helpdesk that is too long for one message goes out in several: which of them this is, and of how many.
    part integer not null default 1,
    parts integer not null default 1,
    data jsonb not null,
    occurred_at timestamptz not null,
    helpdesk_message_id text,
    provider_message_id text,
    provider_bound_by text,
    provider_status text,
    provider_error_code text,
    provider_error_message text,
    provider_updated_at timestamptz,
    helpdesk_status text,
    in_flight text,
    in_flight_at timestamptz,
    doubt text,
    doubt_at timestamptz,
    attempted_at timestamptz,
    failures integer not null default 0,
    last_error text,
    parked text,
    -- When there is something to do next; null when there is nothing. The only queue.
    wake_at timestamptz,
    created_at timestamptz not null default now(),
    row_updated_at timestamptz not null default now(),
    primary key (channel_id, external_id)
);

create unique index messages_provider_id on messages (channel_id, provider_message_id)
    where provider_message_id is not null;
-- One helpdesk message to several people is several rows with one helpdesk id, each its own conversation; and so is a long
-- text in several parts.
create unique index messages_helpdesk_id on messages (channel_id, helpdesk_message_id, external_conversation_id, part)
    where helpdesk_message_id is not null;
-- Finding work costs the same whatever the number of settled rows.
create index messages_wake on messages (channel_id, wake_at) where wake_at is not null;
-- Whose turn it is in a conversation: undelivered rows in order.
create index messages_turn on messages (channel_id, external_conversation_id, origin, occurred_at, seq)
    where parked is null
        and ((origin = 'helpdesk' and provider_message_id is null)
            or (origin = 'provider' and helpdesk_message_id is null));
-- Sends that an echo may belong to.
create index messages_uncertain on messages (channel_id, external_conversation_id)
    where origin = 'helpdesk' and provider_message_id is null and attempted_at is not null;
-- A conversation as people read it.
create index messages_conversation on messages (channel_id, external_conversation_id, occurred_at);
-- What was put aside.
create index messages_parked on messages (channel_id) where parked is not null;
