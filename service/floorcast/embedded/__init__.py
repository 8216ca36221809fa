"""PostgreSQL and Redis as children of this process: for trying, developing and testing, not for a factory.

Everything they own is inside one folder, the *home*; no permission outside it is changed.
"""
