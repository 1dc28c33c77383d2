"""The playground's files over HTTP; what they do in a browser is tests/e2e/test_page.py's."""

import re
import tomllib
from pathlib import Path

import httpx
import pytest

from tests.service import ROOT
from worker.contract.settings import Settings
from worker.contract.storage import Storage

PAGE = ROOT / "app" / "page"
FILES = sorted(str(path.relative_to(PAGE)) for path in PAGE.rglob("*") if path.is_file())
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def test_the_page_may_load_its_own_files_and_play_from_storage(api: httpx.Client, storage: Storage) -> None:
    answer = api.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    rules = dict(rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert storage.public_origin in rules["media-src"].split()
    assert storage.public_origin in rules["connect-src"].split()
    assert storage.signed_url("videos/a/0.m4s").startswith(f"{storage.public_origin}/")
    assert api.head("/").status_code == 200


def test_signed_urls_of_aws_lead_to_the_public_origin() -> None:
    for region in ("us-east-1", "eu-central-1"):
        keys = {"s3_access_key": "a", "s3_secret_key": "b"}
        aws = Storage(Settings(s3_endpoint=None, s3_region=region, **keys))  # type: ignore[arg-type]
        assert aws.signed_url("a").startswith(f"{aws.public_origin}/")


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_and_asked_for_again_only_where_it_may_change(
    api: httpx.Client, name: str
) -> None:
    answer = api.get(f"/page/{name}").raise_for_status()
    assert answer.content == (PAGE / name).read_bytes()
    assert answer.headers["x-content-type-options"] == "nosniff"
    if expected := TYPES.get(Path(name).suffix):
        assert answer.headers["content-type"].partition(";")[0] == expected
    vendored = name.startswith("vendor/")
    assert ("immutable" in answer.headers["cache-control"]) == vendored
    assert ("no-cache" in answer.headers["cache-control"]) != vendored
    again = api.get(f"/page/{name}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["none.js", "%2e%2e/main.py", "../main.py", "..%2fmain.py", "vendor", ""])
def test_nothing_else_is_served(api: httpx.Client, name: str) -> None:
    answer = api.get(f"/page/{name}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_the_page_asks_for_files_that_there_are() -> None:
    asked = set(re.findall(r'(?:href|src)="page/([^"]+)"', (PAGE / "index.html").read_text()))
    for module in PAGE.glob("*.js"):
        asked |= set(re.findall(r'"\./([^"]+)"', module.read_text()))
    assert "main.js" in asked
    assert asked <= set(FILES)


def test_the_page_is_package_data_with_the_licence_of_what_it_brings() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert setuptools["package-data"]["app"] == ["page/**/*"]
    for vendored in (PAGE / "vendor").iterdir():
        assert "Apache License" in (vendored / "LICENSE").read_text()
