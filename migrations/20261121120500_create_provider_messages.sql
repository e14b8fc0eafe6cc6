-- Every message that a provider has, both directions, ours or another application's.
create table provider_messages (
    account_id bigint not null references accounts (id),
    provider_message_id text not null,
    direction text not null check (direction in ('inbound', 'outbound')),
    sender text not null,
    recipient text not null,
    body text,
    files jsonb not null default '[]',
    -- What the provider itself says about the customer's wish to be texted: stop, start or help.
    said text,
    status text,
    error_code text,
    error_message text,
    date_created timestamptz,
    date_sent timestamptz,
    date_updated timestamptz,
    reference text,
    data jsonb,
    -- The channel whose row it is.
    channel_id bigint references channels (id),
    -- It may be a send of unknown outcome; no row is made of it until that is settled.
    held boolean not null default false,
    checked_at timestamptz,
    created_at timestamptz not null default now(),
    row_updated_at timestamptz not null default now(),
    primary key (account_id, provider_message_id)
);
-- What an uncertain send may be: messages to one person that are no row yet.
create index provider_messages_unbound on provider_messages (account_id, recipient) where channel_id is null;
-- Messages whose fate is open, to be read again by id.
create index provider_messages_open on provider_messages (account_id, checked_at)
    where channel_id is not null and direction = 'outbound'
        and status in ('accepted', 'queued', 'sending', 'sent');
