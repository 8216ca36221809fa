"""What people on a shop floor write: short, misspelt, sometimes in capitals. Pure data."""

BREAKDOWNS = (
    "MOTOR OVERLOAD TRIP",
    "stopped, no reaction to start buttn",
    "HYD. PRESSURE GONE",
    "Bearing seized, smoke",
    "emergency stop chain open",
    "DRIVE BELT SNAPPED",
    "oil leak, floor wet",
    "Control cabinet too hot, tripped",
)

SMALL_JOBS = (
    ("strange noise at gearbox", "corrective", "medium"),
    ("Grease all points", "preventive", "low"),
    ("HOSE SWEATING AT COUPLING", "corrective", "medium"),
    ("guard door switch loose", "safety", "high"),
    ("Check belt tension", "inspection", "low"),
    ("replace filter element", "preventive", "medium"),
    ("sensor bracket bent", "corrective", "medium"),
    ("LAMP OUT IN CABINET", "corrective", "low"),
    ("Label faded, cannot read limits", "improvement", "low"),
    ("slow after start, warms up then OK", "corrective", "medium"),
)

COMMENTS = (
    "part is orderd, comes tomorrow",
    "found a second crack, pls look",
    "waiting for release from production",
    "same fault as last month",
    "took photo, see shift book",
    "needs two people",
    "cleaned, watching it for now",
)

NOTES = (
    "replaced and tested OK",
    "tightend, test run 10 min ok",
    "CLEANED + GREASED",
    "new part fitted, old one worn out",
    "reset, fault did not come back",
    "adjusted, see how long it holds",
)

COUNTS = ("cycle count", "count after shift", "found behind the rack", "broken in the box", "miscounted last time")
"""Reasons of stock takes."""
