drop table public.equipment;
