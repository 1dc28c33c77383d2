"""`magic141 keys`, against the Redis of the settings and that of a data folder."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from worker.cli import main
from worker.contract import keys
from worker.contract.access import Access, sha256
from worker.contract.settings import Settings
from worker.local.kept import Kept, load_kept
from worker.local.redis import start_redis

Said = pytest.CaptureFixture[str]


@pytest.fixture
def here(settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Access]:
    """The environment names the test's Redis."""
    monkeypatch.setenv("MAGIC141_REDIS_URL", settings.redis_url)
    yield Access(redis)
    redis.delete(keys.API_KEYS)


def test_a_key_from_its_making_to_its_end(here: Access, capsys: Said) -> None:
    assert main(["keys", "create", "alice"]) == 0
    said = capsys.readouterr()
    secret = said.out.strip()
    assert "shown once" in said.err
    assert here.all()[0].sha256 == sha256(secret)
    assert main(["keys", "list"]) == 0
    assert main(["keys", "revoke", "alice"]) == 0
    assert main(["keys", "list"]) == 0
    said = capsys.readouterr()
    assert secret not in said.out + said.err
    before, done, after = said.out.splitlines()
    assert (before.split()[0], before.split()[-1], done) == ("alice", "valid", "revoked alice")
    assert after.split()[-1] == "revoked"


def test_as_json(here: Access, capsys: Said) -> None:
    limits = ["--rate-limit", "3", "--quota-seconds-per-day", "60.5"]
    assert main(["keys", "--json", "create", "alice", *limits]) == 0
    made = json.loads(capsys.readouterr().out)
    assert sha256(made.pop("key")) == here.all()[0].sha256
    assert (made["name"], made["rate_limit_per_minute"], made["quota_seconds_per_day"]) == ("alice", 3, 60.5)
    assert main(["keys", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == made
    assert main(["keys", "revoke", "alice", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["revoked_at"] >= made["created_at"]


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["create", "a b"], "'a b'"),
        (["create", "bob", "--rate-limit", "0"], "above 0"),
        (["create", "bob", "--quota-seconds-per-day", "nan"], "above 0"),
        (["create", "alice"], "there is a key alice already"),
        (["revoke", "nobody"], "there is no key nobody"),
    ],
)
def test_what_cannot_be_is_one_line(argv: list[str], reason: str, here: Access, capsys: Said) -> None:
    here.create("alice")
    assert main(["keys", *argv]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert reason in said.err


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Kept]]:
    """As `magic141 up` makes one."""
    monkeypatch.delenv("MAGIC141_REDIS_URL", raising=False)
    kept = load_kept(tmp_path)
    server = start_redis(tmp_path / "redis", kept.redis_port, password=kept.redis_password)
    yield tmp_path, kept
    server.stop()


def test_a_data_folder_has_keys_of_its_own(data_dir: tuple[Path, Kept], capsys: Said) -> None:
    folder, kept = data_dir
    assert main(["keys", "--data-dir", str(folder), "create", "alice"]) == 0
    assert main(["keys", "create", "bob", "--data-dir", str(folder)]) == 0
    with Redis.from_url(kept.redis_url) as redis:
        assert [key.name for key in Access(redis).all()] == ["alice", "bob"]


def test_a_folder_over_which_nothing_runs(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MAGIC141_REDIS_URL", raising=False)
    assert main(["keys", "--data-dir", str(tmp_path), "list"]) == 1
    assert "is no data folder" in capsys.readouterr().err
    load_kept(tmp_path)
    assert main(["keys", "--data-dir", str(tmp_path), "list"]) == 1
    assert "does `magic141 up` run over" in capsys.readouterr().err
