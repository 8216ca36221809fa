"""Which rows somebody asked for: a filter's text becomes a condition, matched in memory or asked as SQL."""
