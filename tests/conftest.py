"""The fixtures, one plugin a file. What each gives is in tests/README.md."""

pytest_plugins = [
    "tests.fixtures.time",
    "tests.fixtures.skips",
    "tests.fixtures.postgres",
    "tests.fixtures.supabase",
    "tests.fixtures.snapshot",
    "tests.fixtures.shop",
    "tests.fixtures.redis",
    "tests.fixtures.cells",
    "tests.fixtures.relay",
    "tests.fixtures.proxy",
    "tests.fixtures.observed",
    "tests.fixtures.page",
    "tests.fixtures.gateway",
    "tests.fixtures.floor",
    "tests.fixtures.scripts",
]
