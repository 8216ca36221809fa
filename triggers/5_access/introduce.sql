-- Tells those who are in a warehouse of the person who comes into it: his record changes, and its change is delivered wherever he
-- may be. Without it the grant alone would be told, and screens would show an id until his record changed for another reason.
create or replace function floorcast.introduce()
returns trigger
volatile
-- definer: whoever gives access may not write people's records.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    -- Whoever is just being written by somebody else is passed over: waiting for people in one order while another does in the
    -- other would end one of the two. He is introduced by that change where he was before, and here by his next one.
    with newcomer as (
        select u.id
        from public.users as u
        -- Grants of an adopted database may name people in another way than ours; they are nobody here.
        where u.id = any (array(
            select n.user_id::uuid
            from new_rows as n
            where n.user_id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        ))
        for no key update skip locked
    )
    update public.users as u
    set introduced_at = clock_timestamp()
    from newcomer
    where u.id = newcomer.id;
    return null;
end;
$$;

comment on function floorcast.introduce() is 'AFTER INSERT statement trigger of grants: the record of who came changes, so that it is delivered there.';

revoke execute on function floorcast.introduce() from public;

create or replace trigger _600_introduce after insert on floorcast.grants
referencing new table as new_rows
for each statement execute function floorcast.introduce();
comment on trigger _600_introduce on floorcast.grants is 'Who comes into a warehouse is told to those who are there.';

alter table floorcast.grants enable always trigger _600_introduce;
