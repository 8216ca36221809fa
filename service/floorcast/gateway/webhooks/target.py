"""Where to post (pure): a URL, taken apart once.

What comes of it is what is connected to, named to TLS and asked for: nobody reads the URL a second time, with rules of
his own about what its host is.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from floorcast.gateway.webhooks.address import Address, Reach, refusal

_LONGEST = 2_000

_VISIBLE = re.compile(r"[\x21-\x7e]+")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")


class TargetRefused(ValueError):  # noqa: N818 — reads as an event, which it is
    """A URL that is not posted to, and why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL."""

    secure: bool
    # A name, or an address without brackets.
    host: str
    port: int
    # Path and query, as asked for.
    path: str

    @property
    def scheme(self) -> str:
        """`https` or `http`."""
        return "https" if self.secure else "http"

    @property
    def authority(self) -> str:
        """The value of `Host`: the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def address(self) -> Address | None:
        """The address, where the URL has one in the place of a name."""
        return _address(self.host)

    def __str__(self) -> str:
        """The URL without what may be secret in its query."""
        return f"{self.scheme}://{self.authority}{self.path.partition('?')[0]}"


def read_target(url: str, reach: Reach) -> Target:
    """Take a URL apart.

    Raises:
        TargetRefused: it is no URL, or one that webhooks do not go to whatever its name resolves to.
    """
    parts, port = _split(url)
    if parts.scheme not in ("https", "http"):
        raise TargetRefused("a URL begins with https://")
    secure = parts.scheme == "https"
    if not secure and not reach.private:
        raise TargetRefused("a URL begins with https://")
    host = _host(parts)
    if port is None:
        port = 443 if secure else 80
    if not reach.has_port(port):
        raise TargetRefused(f"port {port} is not called")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = Target(secure, host, port, path)
    if target.address is not None:
        reason = refusal(target.address, reach, secure=secure)
        if reason is not None:
            raise TargetRefused(reason)
    return target


def _split(url: str) -> tuple[SplitResult, int | None]:
    if len(url) > _LONGEST:
        raise TargetRefused(f"a URL is no longer than {_LONGEST} characters")
    if not _VISIBLE.fullmatch(url) or "\\" in url:
        # An international name has a form in ASCII, which is what is looked up.
        raise TargetRefused("a URL is made of visible ASCII characters")
    if "#" in url:
        raise TargetRefused("a URL has no fragment")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TargetRefused(f"not a URL: {error}") from None
    return parts, port


def _host(parts: SplitResult) -> str:
    if "@" in parts.netloc:
        raise TargetRefused("a URL has no user and password in it; messages are signed")
    host = (parts.hostname or "").lower()
    bracketed = parts.netloc.startswith("[")
    if not (bracketed and "%" not in host and _address(host) is not None) and (bracketed or not _NAME.fullmatch(host)):
        raise TargetRefused("a URL names a host")
    return host


def _address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
