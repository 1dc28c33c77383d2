"""Storage against a real S3 server."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from worker.contract.errors import NotFound, Unavailable
from worker.contract.settings import Settings
from worker.contract.storage import Storage


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
    for broken in (bare, url[:-4] + "0000", url.replace("a.m4s", "b.m4s")):
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
