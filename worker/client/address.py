"""Where the service is and who asks: from arguments or the environment, for both clients."""

import os
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import httpx

from worker.client.steps import Send

DEFAULT_URL = "http://127.0.0.1:8000"


def options(url: str | None, api_key: str | None, timeout: float) -> dict[str, Any]:
    """The arguments of httpx's clients. MAGIC141_URL and MAGIC141_API_KEY stand in for what is None."""
    key = api_key or os.environ.get("MAGIC141_API_KEY")
    headers = {"User-Agent": f"magic141-client/{_version()}"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    base_url = url or os.environ.get("MAGIC141_URL") or DEFAULT_URL
    return {"base_url": base_url, "headers": headers, "timeout": timeout}


def request(http: httpx.Client | httpx.AsyncClient, call: Send) -> httpx.Request:
    t = http.timeout
    read = t.read if call.read_seconds is None else call.read_seconds
    return http.build_request(
        call.method,
        call.path,
        params=call.params or None,
        headers=dict(call.headers),
        json=call.json,
        data=call.data,
        files=call.files,
        timeout=httpx.Timeout(connect=t.connect, read=read, write=t.write, pool=t.pool),
    )


def _version() -> str:
    try:
        return version("magic141")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "0"
