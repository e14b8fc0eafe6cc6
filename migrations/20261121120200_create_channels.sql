-- One helpdesk inbox tied to one address at a provider.
create table channels (
    id bigint generated always as identity primary key,
    public_id text not null unique,
    pair text not null,
    helpdesk_account_id bigint not null references accounts (id),
    provider_account_id bigint not null references accounts (id),
    address text not null,
    region text,
    helpdesk_channel_id text,
    -- The key that the helpdesk's user pastes: found by its hash, shown again from its sealed form.
    api_key_hash bytea not null unique,
    sealed_api_key bytea not null,
    state text not null default 'new' check (state in ('new', 'active', 'paused', 'deleted')),
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
-- One number cannot belong to two living channels: both would take its messages.
create unique index channels_address on channels (provider_account_id, address) where state <> 'deleted';

-- Who works a channel, and until when. Apart from `channels`, because it is written every few seconds.
create table channel_leases (
    channel_id bigint primary key references channels (id),
    owner text not null,
    -- Grows with every change of owner: a process that lost its lease cannot write under the old number.
    fence bigint not null,
    until timestamptz not null
) with (fillfactor = 50);
