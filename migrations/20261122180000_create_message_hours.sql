-- What an overview shows of the last day, counted by one job a minute and by nobody who looks: the traffic of each hour, and
-- when each channel last had a message of either direction.
create table message_hours (
    hour timestamptz primary key,
    -- Messages of the hour lie between these numbers (messages.seq): found once, so that counting again reads nothing else.
    -- Its end is not known before the hour is over.
    after_seq bigint not null,
    upto_seq bigint,
    inbound bigint not null default 0,
    outbound bigint not null default 0,
    failed bigint not null default 0,
    p50_ms bigint,
    p95_ms bigint,
    counted_at timestamptz not null
);
create table channel_activity (
    channel_id bigint primary key references channels (id),
    last_inbound_at timestamptz,
    last_outbound_at timestamptz,
    -- Messages up to this number are in it.
    upto_seq bigint not null
) with (fillfactor = 50);
comment on table message_hours is 'The traffic of each hour of the last days, by when messages were first seen; old history that a backfill brought is left out.';
comment on column message_hours.hour is 'When the hour began.';
comment on column message_hours.after_seq is 'Its messages have a greater messages.seq.';
comment on column message_hours.upto_seq is 'Its messages have no greater messages.seq than this; null until it is over.';
comment on column message_hours.inbound is 'Messages from customers.';
comment on column message_hours.outbound is 'Messages to customers.';
comment on column message_hours.failed is 'Of all of them, those that were put aside, or that the provider did not deliver.';
comment on column message_hours.p50_ms is 'Half of them were at the other side within so many milliseconds of being seen; null where none is there yet.';
comment on column message_hours.p95_ms is 'The same for 95 of 100.';
comment on column message_hours.counted_at is 'When it was last counted.';
comment on table channel_activity is 'When each channel last had a message of either direction.';
comment on column channel_activity.channel_id is 'The channel: channels.id.';
comment on column channel_activity.last_inbound_at is 'When a customer last wrote.';
comment on column channel_activity.last_outbound_at is 'When a customer was last written to.';
comment on column channel_activity.upto_seq is 'Messages up to this messages.seq are in it.';
