-- The values go with their columns.
select 1;
