-- name: person_by_address
-- People with an e-mail address, as it is written or in other letters; two at most are of interest.
select id::text as id
from public.users
where lower(email) = lower(%(address)s) and deleted_at is null
order by id
limit 2
