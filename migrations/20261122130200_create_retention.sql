-- When the text and the vendor's payload of a message were let go. What evidence shows of them later is not kept either.
alter table messages add column emptied_at timestamptz;
alter table provider_messages add column emptied_at timestamptz;
-- Messages of numbers without a channel, and of other applications, that still have their text. And who sent one: a person
-- who is erased must be found there.
create index provider_messages_full on provider_messages (account_id, created_at, provider_message_id)
    where channel_id is null and emptied_at is null;
create index provider_messages_unbound_sender on provider_messages (account_id, sender) where channel_id is null;
-- How far retention has got: messages of a channel up to that number are done, but for those left.
create table retention_marks (
    what text not null check (what in ('bodies', 'media', 'attempts')),
    channel_id bigint not null references channels (id),
    seq bigint not null,
    primary key (what, channel_id)
);
-- Messages that were old enough and had still something to come: looked at again each time.
create table retention_left (
    what text not null check (what in ('bodies', 'media', 'attempts')),
    channel_id bigint not null references channels (id),
    external_id text not null,
    primary key (what, channel_id, external_id)
);
-- Files that no message has any more and that have to be deleted from the store: written with the message, deleted
-- after. Until then the message is not tried anew, or its new file might be deleted for the old one.
create table media_let_go (
    channel_id bigint not null references channels (id),
    external_id text not null,
    key text not null,
    primary key (channel_id, external_id, key)
);
