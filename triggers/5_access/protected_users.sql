-- People see themselves and those with whom they share a warehouse: who they are, and not how to reach them unless they manage
-- one of their warehouses. Accounts are made and ended by trusted servers.
select floorcast.protect('public.users', 'id', 'person', server_columns => '{introduced_at}');
