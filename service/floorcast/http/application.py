"""The HTTP application: the page and its one read, what is said in rooms, health and metrics.

The listener keeps sockets to itself.
"""

import time

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from floorcast.http.assets import Assets
from floorcast.http.broadcast import Announcer, BroadcastEndpoint, healthcheck, ping
from floorcast.http.caller import Verifier
from floorcast.http.consumers import ConsumerEndpoints, Consumers
from floorcast.http.guard import SECURITY_HEADERS, Guard
from floorcast.http.health import Health, HealthEndpoints
from floorcast.http.metrics import Metrics
from floorcast.http.openapi import openapi
from floorcast.http.pace import Pace
from floorcast.http.problem import Refused, problem, refuse
from floorcast.http.schemas import Schemas, SchemasEndpoint
from floorcast.http.warehouses import Warehouses, WarehousesEndpoint
from floorcast.http.webhooks import WebhookEndpoints, Webhooks
from floorcast.observe import TaskFailed, observe
from floorcast.settings import Settings

_BASES = ("", "/realtime/v1")
"""Supabase's own addresses are found at both."""


def build_application(
    *,
    settings: Settings,
    warehouses: Warehouses,
    verifier: Verifier,
    health: Health,
    metrics: Metrics,
    announcer: Announcer | None = None,
    consumers: Consumers | None = None,
    webhooks: Webhooks | None = None,
    schemas: Schemas | None = None,
) -> Starlette:
    """Put the application together; it opens and closes nothing itself.

    Args:
        settings: For how often a quiet topic hears of progress, and how much may be said in rooms.
        warehouses: A `database.warehouses.WarehouseReader`, opened and closed by whoever made it.
        verifier: Decides about Bearer tokens.
        health: What /readyz asks.
        metrics: What /metrics shows; hand its `count` to `observe.watch`.
        announcer: Speaks in rooms. None: there are no addresses for that.
        consumers: Keeps consumers. None: there are no addresses for them.
        webhooks: Keeps webhooks. None: there are no addresses for them.
        schemas: Knows what tables look like. None: as above.
    """
    assets = Assets()
    offer = WarehousesEndpoint(warehouses, verifier, settings.progress_seconds)
    checks = HealthEndpoints(health)
    return Starlette(
        routes=[
            Route("/", assets.page),
            Route("/page/{name:path}", assets.asset),
            Route("/v1/warehouses", offer.read),
            Route("/healthz", checks.alive),
            Route("/readyz", checks.ready),
            Route("/metrics", metrics.endpoint),
            Route("/healthcheck", healthcheck),
            *(Route(f"{base}/api/ping", ping) for base in _BASES),
            *(_speech(announcer, verifier, settings) if announcer is not None else ()),
            *(_consumers(consumers, verifier) if consumers is not None else ()),
            *(_webhooks(webhooks, verifier) if webhooks is not None else ()),
            Route("/v1/openapi.json", openapi),
            *(_described(SchemasEndpoint(schemas, verifier)) if schemas is not None else ()),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers={Refused: refuse, HTTPException: _misdirected, Exception: _failed},
    )


def _speech(announcer: Announcer, verifier: Verifier, settings: Settings) -> list[Route]:
    """What is said in rooms."""
    endpoint = BroadcastEndpoint(
        announcer,
        verifier,
        Pace(settings.broadcasts_per_second),
        Pace(settings.user_broadcasts_per_second),
        time.monotonic,
    )
    methods = ["POST", "OPTIONS"]
    return [
        Route(f"{base}/api/broadcast{path}", answer, methods=methods)
        for base in _BASES
        # Topics may have slashes.
        for path, answer in (("", endpoint.batch), ("/{topic:path}/events/{event:path}", endpoint.single))
    ]


def _consumers(consumers: Consumers, verifier: Verifier) -> list[Route]:
    """What a program pulls its changes from."""
    endpoints = ConsumerEndpoints(consumers, verifier)
    at = "/v1/consumers/{name}"
    return [
        Route("/v1/consumers", endpoints.listed, methods=["GET"]),
        Route(at, endpoints.consumer, methods=["GET", "PUT", "DELETE"]),
        Route(f"{at}/pull", endpoints.pull, methods=["POST"]),
        Route(f"{at}/ack", endpoints.ack, methods=["POST"]),
        Route(f"{at}/hold", endpoints.hold, methods=["POST"]),
        Route(f"{at}/move", endpoints.move, methods=["POST"]),
        Route(f"{at}/parked", endpoints.parked, methods=["GET"]),
        Route(f"{at}/parked/replay", endpoints.replay, methods=["POST"]),
        Route(f"{at}/parked/{{id}}", endpoints.drop, methods=["DELETE"]),
    ]


def _webhooks(webhooks: Webhooks, verifier: Verifier) -> list[Route]:
    """Where a consumer's changes are posted."""
    endpoints = WebhookEndpoints(webhooks, verifier)
    at = "/v1/consumers/{name}"
    return [
        Route(f"{at}/webhook", endpoints.webhook, methods=["GET", "PUT", "DELETE"]),
        Route(f"{at}/rotate", endpoints.rotate, methods=["POST"]),
        Route(f"{at}/test", endpoints.ping, methods=["POST"]),
    ]


def _described(endpoint: SchemasEndpoint) -> list[Route]:
    """What tables look like."""
    return [
        Route("/v1/schemas", endpoint.tables),
        Route("/v1/schemas/{table}", endpoint.table),
        Route("/v1/schemas/{table}/{version}", endpoint.version),
    ]


async def _misdirected(request: Request, error: Exception) -> JSONResponse:
    """Answer what the router refuses: an address that is not there, or a method that it does not take."""
    assert isinstance(error, HTTPException)  # noqa: S101 — registered for this class only
    headers = dict(error.headers or {})
    if error.status_code == 405:  # noqa: PLR2004 — HTTP's own number
        return problem("method_not_allowed", f"{request.method} is not possible here.", headers)
    return problem("not_found", "See docs/protocol.md for what is where.", headers)


async def _failed(_request: Request, error: Exception) -> JSONResponse:
    """Answer a fault of ours; the operator is told what it was, the caller is not.

    Starlette calls this outside of Guard, so the answer brings the security headers itself.
    """
    observe(TaskFailed("http", f"{type(error).__name__}: {error}"))
    return problem("internal", "The request could not be answered.", dict(SECURITY_HEADERS))
