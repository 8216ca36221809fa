"""docs/client.md says what the client has."""

import inspect
import re
from typing import get_args

import pytest
from tests.contract.documents import read, table_after
from typer.main import get_command

from floorcast.cli import app
from floorcast.client import ViewEvent, WarehouseView

CLIENT = read("docs/client.md")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", CLIENT, re.MULTILINE | re.DOTALL)


def test_every_option_of_a_view_is_explained_with_its_default() -> None:
    """And none that is not there."""
    parameters = inspect.signature(WarehouseView.__init__).parameters.values()
    options = [each for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
    listed = table_after(CLIENT, "## Options")
    assert [name for name, *_ in listed] == [f"`{option.name}`" for option in options]
    for option, (_, _, default) in zip(options, listed, strict=True):
        if isinstance(option.default, str | float) and not isinstance(option.default, bool):
            assert default.strip("`") == f"{option.default:g}" if isinstance(option.default, float) else option.default


def test_every_event_is_explained() -> None:
    """A program that matches on them can know that it has them all."""
    listed = [name for names, _ in table_after(CLIENT, "## Events") for name in re.findall(r"\w+", names)]
    assert listed == [kind.__name__ for kind in get_args(ViewEvent)]


def test_every_option_of_tail_is_explained() -> None:
    """Beside those that every command has."""
    command = get_command(app).get_command(None, "tail")  # type: ignore[arg-type,attr-defined]
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    listed = {re.findall(r"--[a-z-]+", name)[0] for name, _ in table_after(CLIENT, "## In a terminal")}
    assert listed == options - {"--url", "--token", "--help"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_imports_what_it_uses_and_uses_what_it_imports(example: str) -> None:
    """It can be copied as it stands."""
    for line in re.findall(r"^from floorcast.client import (.*)$", example, re.MULTILINE):
        for name in line.split(", "):
            assert len(re.findall(rf"\b{name}\b", example)) > 1, name
