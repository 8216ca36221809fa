"""Forms in which programs are given changes: one JSON object each, around rows as Postgres wrote them."""
