"""Which warehouses a token opens: one small read on the HTTP side of the same port."""

import asyncio
import json
import urllib.error
import urllib.request
from dataclasses import dataclass

from floorcast.client.channel import http_address
from floorcast.errors import ClientError

_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class OpenWarehouse:
    """A warehouse that the token's person may join, and as what."""

    id: str
    name: str
    role: str


async def read_warehouses(url: str, token: str) -> list[OpenWarehouse]:
    """Return the warehouses that a token opens, by name.

    Raises:
        ClientError: with the server's code, or `unreachable`.
    """
    return await asyncio.to_thread(_read, http_address(url, "/v1/warehouses"), token)


def find_warehouse(warehouses: list[OpenWarehouse], wanted: str) -> OpenWarehouse:
    """Return the warehouse with this id or name, whatever its capitals.

    Raises:
        ClientError: `forbidden` when there is none; lists those that there are.
    """
    folded = wanted.strip().lower()
    found = [each for each in warehouses if folded in (each.id.lower(), each.name.lower())]
    if len(found) == 1:
        return found[0]
    names = ", ".join(each.name for each in warehouses) or "none"
    problem = "several warehouses are" if found else "no warehouse is"
    raise ClientError("forbidden", f"{problem} called {wanted!r} among those that the token opens: {names}.")


def _read(address: str, token: str) -> list[OpenWarehouse]:
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 — http_address makes http(s) only
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310 — as above
            answer = json.load(response)
    except urllib.error.HTTPError as refused:
        raise _refusal(refused) from None
    except (OSError, ValueError) as error:
        raise ClientError("unreachable", f"{address} did not answer as expected: {error}") from error
    return [OpenWarehouse(str(each["id"]), str(each["name"]), str(each.get("role"))) for each in answer["warehouses"]]


def _refusal(refused: urllib.error.HTTPError) -> ClientError:
    try:
        answer = json.load(refused)
        return ClientError(str(answer["code"]), str(answer["detail"]))
    except (ValueError, KeyError, TypeError):
        return ClientError("refused", f"the server answered {refused.code}")
