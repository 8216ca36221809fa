"""The Postgres edge: connections, the doorbell, ticks, pictures, and migrations."""
