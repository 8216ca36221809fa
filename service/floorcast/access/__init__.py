"""Who may see what: tokens become claims, grants become decisions."""
