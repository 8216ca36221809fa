"""What time makes due: maintenance, escalation, the end of access. The jobs are in Postgres; this calls them."""
