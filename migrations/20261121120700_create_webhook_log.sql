-- Every genuine request received, as received, one partition a day. A request that is refused is only counted.
create table webhook_log (
    id bigint generated always as identity,
    received_at timestamptz not null,
    connector text not null,
    hook text not null,
    channel_id bigint references channels (id),
    event text,
    method text not null,
    url text not null,
    content_type text,
    body bytea not null,
    status integer not null,
    primary key (received_at, id)
) partition by range (received_at);
create table webhook_log_default partition of webhook_log default;

create table webhook_refusals (
    day date not null,
    connector text not null,
    hook text not null,
    reason text not null,
    count bigint not null,
    primary key (day, connector, hook, reason)
);

-- Makes the partition of a day unless it is there.
create function create_webhook_log_partition(day date) returns void language plpgsql as $$
declare
    name text := 'webhook_log_' || to_char(day, 'YYYYMMDD');
begin
    if to_regclass(name) is null then
        execute format(
            'create table %I partition of webhook_log for values from (%L) to (%L)',
            name, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
    end if;
end
$$;

-- Drops the partitions of days before `day`; gives how many.
create function drop_webhook_log_before(day date) returns integer language plpgsql as $$
declare
    part text;
    dropped integer := 0;
begin
    for part in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'webhook_log'::regclass and c.relname ~ '^webhook_log_\d{8}$'
            and to_date(right(c.relname, 8), 'YYYYMMDD') < day
    loop
        execute format('drop table %I', part);
        dropped := dropped + 1;
    end loop;
    return dropped;
end
$$;
