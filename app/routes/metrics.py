"""/metrics: for Prometheus, in its text format."""

import hmac
import ipaddress

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.services import Using
from worker.contract.errors import Unauthorized

router = APIRouter(include_in_schema=False)


@router.get("/metrics")
def metrics(request: Request, services: Using) -> Response:
    """Needs the metrics token where one is set, else a client on loopback."""
    token = services.settings.metrics_token
    if token is not None:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, f"Bearer {token}".encode()):
            raise Unauthorized("invalid_metrics_token", "send it: Authorization: Bearer <metrics token>")
    elif not _is_local(request):
        raise Unauthorized(
            "missing_metrics_token", "only loopback may read this without MAGIC141_METRICS_TOKEN"
        )
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)


def _is_local(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
