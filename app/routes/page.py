"""/: the playground, files that run in the browser on nothing but the public API."""

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.staticfiles import StaticFiles

from app.services import Using

router = APIRouter(include_in_schema=False)
FILES = StaticFiles(directory=Path(__file__).parents[1] / "page")


@router.api_route("/", methods=["GET", "HEAD"])
async def playground(request: Request, services: Using) -> Response:
    response = await _file("index.html", request)
    response.headers["Content-Security-Policy"] = policy(services.storage.public_origin)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@router.api_route("/page/{name:path}", methods=["GET", "HEAD"])
async def page_file(name: str, request: Request) -> Response:
    return await _file(name, request)


def policy(storage_origin: str) -> str:
    """Nothing but this page's own files, and segments and pictures from where signed URLs lead."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"connect-src 'self' {storage_origin}",
            f"img-src 'self' blob: {storage_origin}",
            # blob: is what hls.js feeds the video from.
            f"media-src 'self' blob: {storage_origin}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


async def _file(name: str, request: Request) -> Response:
    """With its ETag, or 304. Raises HTTPException 404, also for whatever is outside of the folder."""
    response = await FILES.get_response(name, request.scope)
    # A vendored file has its version in its path; the others are asked for again after an upgrade.
    forever = name.startswith("vendor/")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if forever else "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
