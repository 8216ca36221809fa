"""`floorcast settings`: every setting, its value here, and what it does."""

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from floorcast.settings import Settings, load_settings


def settings() -> None:
    """List every setting with its value here and what it does."""
    values = load_settings()
    table = Table(show_lines=True)
    # A name that is broken over two lines cannot be copied.
    table.add_column("environment variable", no_wrap=True)
    for heading in ("value", "what it does"):
        table.add_column(heading, overflow="fold")
    for name, field in Settings.model_fields.items():
        value = getattr(values, name)
        hidden = isinstance(value, SecretStr) or ("URL" in str(field.validation_alias) and value is not None)
        shown = "(set, not shown)" if hidden else "" if value is None else str(value)
        table.add_row(str(field.validation_alias), shown, field.description)
    Console().print(table)
