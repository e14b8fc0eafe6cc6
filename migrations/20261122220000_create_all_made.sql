-- Ends a statement that makes rows where one of them was there already: another transaction was faster, and what was
-- decided without its row is decided anew. Raised as a conflict between transactions, which is what it is.
create function all_made(made bigint, wanted bigint) returns boolean language plpgsql immutable as $$
begin
    if made < wanted then
        raise exception 'another transaction has made % of these rows', wanted - made using errcode = '40001';
    end if;
    return true;
end
$$;
