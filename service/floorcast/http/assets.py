"""The live page's files: its own, and those of the npm package, which it is built on.

They are read once at start: a name in an address is looked up in memory and reaches nothing else on the disk.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from floorcast.http.problem import Refused

_FOLDER = Path(__file__).with_name("page")
# `client/` of the page is the source of the npm package, not a copy that could differ from it: a wheel carries it in
# the page's folder (pyproject.toml, force-include), a checkout has it beside `service/`.
_PACKAGE = Path(__file__).resolve().parents[3] / "clients" / "js" / "src"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, ready to send."""

    body: bytes
    media_type: str
    # Quoted, as it stands in headers; names the bytes.
    etag: str


class Assets:
    """`/` and `/page/<name>`."""

    def __init__(self, folder: Path = _FOLDER, package: Path = _PACKAGE) -> None:
        """Read every file of a kind that a page is made of; `package` is looked at where `folder` has no `client/`."""
        self._assets = _read(folder)
        if not (folder / "client").is_dir():
            self._assets |= {f"client/{name}": asset for name, asset in _read(package).items()}

    async def page(self, request: Request) -> Response:
        """GET /."""
        return self._send(request, "index.html")

    async def asset(self, request: Request) -> Response:
        """GET /page/<name>."""
        return self._send(request, request.path_params["name"])

    def body(self, name: str) -> bytes:
        """What a file holds; KeyError where there is none."""
        return self._assets[name].body

    def _send(self, request: Request, name: str) -> Response:
        asset = self._assets.get(name)
        if asset is None:
            raise Refused("not_found", "The page has no such file.")
        # no-cache asks each time, and 304 costs little: after an update no screen mixes two versions.
        headers = {"etag": asset.etag, "cache-control": "no-cache"}
        asked = request.headers.get("if-none-match", "")
        if asset.etag in (part.strip().removeprefix("W/") for part in asked.split(",")):
            return Response(status_code=304, headers=headers)
        return Response(asset.body, headers=headers | {"content-type": asset.media_type})


def _read(folder: Path) -> dict[str, Asset]:
    return {path.relative_to(folder).as_posix(): _load(path) for path in folder.rglob("*") if path.suffix in _TYPES}


def _load(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(body, _TYPES[path.suffix], f'"{hashlib.sha256(body).hexdigest()[:20]}"')
