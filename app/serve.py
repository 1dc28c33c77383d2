"""`python -m app.serve`: the API in one process."""

import ipaddress
import sys

import uvicorn

from app.main import create_app
from worker.contract.settings import Settings


def main(host: str | None = None, port: int | None = None) -> None:
    """Serve until SIGTERM. Exits with a reason where a server without keys would be open to a network."""
    settings = Settings.load()
    host, port = host or settings.host, settings.port if port is None else port
    if not settings.api_keys and not settings.allow_anonymous and not _is_loopback(host):
        sys.exit(
            f"refusing to listen on {host} without API keys: set MAGIC141_API_KEYS, "
            "or MAGIC141_ALLOW_ANONYMOUS=1 behind a gateway that asks for them"
        )
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        log_level=settings.log_level,
        # Open event streams would keep a stopping server waiting for ever.
        timeout_graceful_shutdown=3,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    main()
