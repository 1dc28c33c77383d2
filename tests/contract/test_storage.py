"""Storage against two real S3 servers: rclone's, as `magic141 up` starts it, and Swift's, which is strict."""

import random
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.swift import PAGE, StrictS3
from worker.contract.errors import NotFound, Unavailable
from worker.contract.settings import Settings
from worker.contract.storage import Storage

ODD_KEYS = ("o/with space", "o/a+b&c=d?e#f%20g", "o/ünï/片.mp4", "o/'quoted'\"<>")


@pytest.fixture(scope="module", params=["s3", "swift"], ids=["rclone", "swift"])
def settings(request: pytest.FixtureRequest) -> Settings:
    server = request.getfixturevalue(request.param)
    return Settings(
        s3_endpoint=server.endpoint,
        s3_access_key=server.access_key,
        s3_secret_key=server.secret_key,
        s3_region=getattr(server, "region", "us-east-1"),
    )


@pytest.fixture(scope="module")
def storage(settings: Settings) -> Storage:
    made = Storage(settings)
    made.ensure_bucket()
    return made


def test_put_get_range_size(storage: Storage, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40
    storage.put("t/a", data, "application/octet-stream")
    assert storage.get("t/a") == data
    assert storage.size("t/a") == len(data)
    assert b"".join(storage.open_range("t/a", 10, 19)) == data[10:20]
    assert b"".join(storage.open_range("t/a", 0, 0)) == data[:1]
    assert b"".join(storage.open_range("t/a", 5000)) == data[5000:]
    file = tmp_path / "a"
    storage.get_file("t/a", file)
    assert file.read_bytes() == data
    storage.put("t/b", file, "application/octet-stream")
    assert storage.get("t/b") == data


def test_missing_is_typed(storage: Storage, tmp_path: Path) -> None:
    assert not storage.exists("t/none")
    for read in (storage.get, storage.info, storage.open_range):
        with pytest.raises(NotFound):
            read("t/none")
    with pytest.raises(NotFound):
        storage.get_file("t/none", tmp_path / "none")


def test_a_clock_that_is_off_is_nobodys_error(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server refuses what is signed an hour ago; once the clock is right, all is as before."""
    with monkeypatch.context() as wrong:
        wrong.setattr(
            "botocore.auth.get_current_datetime", lambda *_, **__: datetime.now(UTC) - timedelta(hours=1)
        )
        with pytest.raises(Unavailable, match="storage refuses us"):
            storage.put("t/late", b"x", "text/plain")
    storage.put("t/late", b"x", "text/plain")
    assert storage.get("t/late") == b"x"


def test_delete_prefix_takes_that_folder_only(storage: Storage) -> None:
    for key in ("d/1/a", "d/1/b/c", "d/2/a"):
        storage.put(key, b"x", "text/plain")
    storage.delete_prefix("d/1/")
    storage.delete_prefix("d/none/")
    assert [storage.exists(key) for key in ("d/1/a", "d/1/b/c", "d/2/a")] == [False, False, True]


def test_signed_urls_open_without_keys_and_only_as_signed(storage: Storage) -> None:
    storage.put("s/a.m4s", b"segment", "video/iso.segment")
    url = storage.signed_url("s/a.m4s")
    assert storage.signed_url("s/a.m4s") == url  # players see one name for one segment
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"segment"
    bare = url.partition("?")[0]
    longer = url.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200")
    assert longer != url
    for broken in (bare, longer, url[:-4] + "0000", url.replace("a.m4s", "b.m4s")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(broken)
        assert refused.value.code in (400, 403)
        refused.value.close()


def test_signed_urls_name_the_public_endpoint(settings: Settings) -> None:
    public = settings.model_copy(update={"s3_public_endpoint": "https://media.example.org"})
    assert Storage(public).signed_url("k").startswith(f"https://media.example.org/{settings.s3_bucket}/k?")


def test_an_absent_server_is_unavailable(settings: Settings) -> None:
    gone = Storage(settings.model_copy(update={"s3_endpoint": "http://127.0.0.1:9"}))
    for call in (gone.ping, lambda: gone.get("k"), lambda: gone.put("k", b"", "text/plain")):
        with pytest.raises(Unavailable):
            call()


def test_ping_misses_a_bucket_and_ensure_makes_it(settings: Settings) -> None:
    other = Storage(settings.model_copy(update={"s3_bucket": "another"}))
    with pytest.raises(Unavailable):
        other.ping()
    other.ensure_bucket()
    other.ensure_bucket()
    other.ping()


def test_two_may_make_the_bucket_at_once(settings: Settings) -> None:
    raced = settings.model_copy(update={"s3_bucket": "raced"})
    first, second = Storage(raced), Storage(raced)
    # The second one looks, the first one makes it, the second one tries to.
    second._s3.meta.events.register("after-call.s3.HeadBucket", lambda **_: first.ensure_bucket())
    second.ensure_bucket()
    second.ping()


def test_a_large_file_goes_in_parts(storage: Storage, tmp_path: Path) -> None:
    data = random.Random(1).randbytes(9 * 1024 * 1024)  # boto3 sends more than 8 MiB in parts
    sent, got = tmp_path / "sent", tmp_path / "got"
    sent.write_bytes(data)
    storage.put("l/a.mp4", sent, "video/mp4")
    storage.get_file("l/a.mp4", got)
    assert got.read_bytes() == data
    assert storage.size("l/a.mp4") == len(data)
    around = 8 * 1024 * 1024
    assert b"".join(storage.open_range("l/a.mp4", around - 5, around + 4)) == data[around - 5 : around + 5]
    storage.delete_prefix("l/")
    assert not storage.exists("l/a.mp4")


@pytest.mark.parametrize("key", ODD_KEYS)
def test_odd_keys(storage: Storage, key: str) -> None:
    storage.put(key, key.encode(), "text/plain")
    assert storage.get(key) == key.encode()
    with urllib.request.urlopen(storage.signed_url(key)) as answer:
        assert answer.read() == key.encode()
    storage.delete_prefix(key)
    assert not storage.exists(key)


def test_delete_prefix_takes_every_page(storage: Storage) -> None:
    found = [f"p/{number}" for number in range(2 * PAGE + 1)]
    for key in found:
        storage.put(key, b"", "text/plain")
    storage.delete_prefix("p/")
    assert not any(storage.exists(key) for key in found)


def test_signed_urls_name_downloads_and_expire(settings: Settings, storage: Storage) -> None:
    storage.put("s/b.mp4", b"video", "video/mp4")
    soon = settings.model_copy(update={"signed_url_seconds": 1})
    brief = Storage(soon).signed_url("s/b.mp4", filename="b.mp4")
    with urllib.request.urlopen(storage.signed_url("s/b.mp4", filename="b.mp4")) as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="b.mp4"'
    time.sleep(2.1)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(brief)
    assert refused.value.code in (400, 403)
    refused.value.close()


@pytest.mark.parametrize("wrong", [{"s3_secret_key": "not-the-secret"}, {"s3_access_key": "test:nobody"}])
def test_wrong_keys_are_unavailable(settings: Settings, tmp_path: Path, wrong: dict[str, str]) -> None:
    stranger = Storage(settings.model_copy(update=wrong))
    file = tmp_path / "a"
    file.write_bytes(b"a")
    for call in (
        stranger.ping,
        stranger.ensure_bucket,
        lambda: stranger.exists("k"),
        lambda: stranger.get("k"),
        lambda: stranger.get_file("k", tmp_path / "k"),
        lambda: stranger.put("k", b"", "text/plain"),
        lambda: stranger.put("k", file, "text/plain"),
        lambda: stranger.delete_prefix("k"),
    ):
        with pytest.raises(Unavailable):
            call()


def test_a_file_without_a_bucket_is_typed(settings: Settings, tmp_path: Path) -> None:
    nowhere = Storage(settings.model_copy(update={"s3_bucket": "nowhere"}))
    file = tmp_path / "a"
    file.write_bytes(b"a")
    with pytest.raises(NotFound):
        nowhere.put("k", file, "text/plain")


@pytest.mark.parametrize("settings", ["swift"], indirect=True)
def test_objects_that_stay_are_told(settings: Settings, storage: Storage, swift: StrictS3) -> None:
    reader = Storage(
        settings.model_copy(
            update={"s3_access_key": swift.reader_access_key, "s3_secret_key": swift.reader_secret_key}
        )
    )
    storage.put("r/a", b"kept", "text/plain")
    with pytest.raises(Unavailable):
        reader.delete_prefix("r/")
    assert reader.get("r/a") == b"kept"


@pytest.mark.parametrize("settings", ["swift"], indirect=True)
def test_a_wrong_region_is_unavailable(settings: Settings) -> None:
    with pytest.raises(Unavailable):
        Storage(settings.model_copy(update={"s3_region": "us-east-1"})).ping()
