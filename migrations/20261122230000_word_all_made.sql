-- A row that is being made may be met by its id at either side before it is met by ours, and what raises is not immutable.
create or replace function all_made(made bigint, wanted bigint) returns boolean language plpgsql volatile as $$
begin
    if made < wanted then
        raise exception 'another transaction has made % of these rows, or others with their ids', wanted - made
            using errcode = '40001';
    end if;
    return true;
end
$$;
