drop index public.a_transfer_is_one_way_out_and_one_in;
create index halves_of_a_transfer on public.inventory_transactions (transfer_id) where transfer_id is not null;
comment on index public.halves_of_a_transfer is
'The other half of a transfer. Partial, since most movements are not transfers.';
