"""Preventive maintenance: what is due makes its work order, once, and the schedule moves on."""
