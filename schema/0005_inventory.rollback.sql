drop table public.inventory_transactions;
drop table public.inventory_items;
