"""`python -m app.serve`: the API in one process."""

import ipaddress
import sys

import uvicorn
from redis.exceptions import RedisError

from app.auth import configured
from app.main import create_app
from worker.contract.access import Access
from worker.contract.logs import start_logging
from worker.contract.queue import connect
from worker.contract.settings import Settings
from worker.contract.tracing import start_tracing


def main(host: str | None = None, port: int | None = None) -> None:
    """Serve until SIGTERM. Exits with a reason where a server without keys would be open to a network."""
    settings = Settings.load()
    host, port = host or settings.host, settings.port if port is None else port
    if not settings.allow_anonymous and not _is_loopback(host) and not _has_keys(settings):
        sys.exit(
            f"refusing to listen on {host} without API keys: make one with `magic141 keys create`, or set "
            "MAGIC141_API_KEYS, or MAGIC141_ALLOW_ANONYMOUS=1 behind a gateway that asks for them"
        )
    start_logging(settings, service="api")
    start_tracing("api")
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        log_level=settings.log_level,
        log_config=None,  # its loggers have no handlers of their own, so that their lines are like all others
        # Open event streams would keep a stopping server waiting for ever.
        timeout_graceful_shutdown=3,
    )


def _has_keys(settings: Settings) -> bool:
    if configured(settings.api_keys):
        return True
    try:
        with connect(settings, patient=False) as redis:
            return bool(Access(redis).all())
    except RedisError as error:
        sys.exit(f"refusing to listen beyond loopback: Redis does not say if there are API keys: {error}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    main()
