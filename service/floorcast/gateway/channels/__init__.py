"""`realtime:` topics, as the clients of Supabase Realtime know them: changes of tables, broadcasts, presence."""
