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

-- Makes the partition of a day unless it is there. False when others were in the way: to be tried again later.
--
-- Both functions need the table for themselves for a moment, and whatever is written queues up behind who waits for
-- that: so they wait for a second at most, say behind somebody's long query.
create function create_webhook_log_partition(day date) returns boolean language plpgsql set lock_timeout = '100ms' as $$
declare
    name text := 'webhook_log_' || to_char(day, 'YYYYMMDD');
    first timestamptz := day::timestamp at time zone 'UTC';
    past timestamptz := (day + 1)::timestamp at time zone 'UTC';
begin
    -- A day of which the default partition has rows stays there: no other partition may take it any more.
    if to_regclass(name) is null
        and not exists (select from webhook_log_default where received_at >= first and received_at < past)
    then
        execute format('create table %I partition of webhook_log for values from (%L) to (%L)', name, first, past);
    end if;
    return true;
exception
    when check_violation or lock_not_available or deadlock_detected or duplicate_table then
        raise warning 'webhook_log has no partition for % yet: %', day, sqlerrm;
        return false;
end
$$;

-- Drops the oldest partition of those before `day`, one in a transaction; false when there is none.
create function drop_webhook_log_before(day date) returns boolean language plpgsql set lock_timeout = '100ms' as $$
declare
    part text;
begin
    select c.relname into part from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'webhook_log'::regclass and c.relname ~ '^webhook_log_\d{8}$'
        and to_date(right(c.relname, 8), 'YYYYMMDD') < day
    order by c.relname limit 1;
    if part is not null then
        execute format('drop table if exists %I', part);
    end if;
    return part is not null;
end
$$;
