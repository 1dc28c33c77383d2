"""What one data directory keeps over restarts."""

import socket
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from worker.local.kept import FILE_NAME, load_kept


def test_the_second_run_finds_what_the_first_chose(tmp_path: Path) -> None:
    kept = load_kept(tmp_path)
    assert load_kept(tmp_path) == kept
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    Webhook(kept.webhook_secret)  # the library takes it


def test_a_port_that_a_stranger_took_is_chosen_anew(tmp_path: Path) -> None:
    kept = load_kept(tmp_path)
    with socket.create_server(("127.0.0.1", kept.redis_port)):
        again = load_kept(tmp_path)
    assert again.redis_port != kept.redis_port
    assert (again.s3_secret_key, again.webhook_secret) == (kept.s3_secret_key, kept.webhook_secret)


def test_a_damaged_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"redis_port": 1')
    with pytest.raises(ValueError, match=r"local\.json is damaged"):
        load_kept(tmp_path)
    assert (tmp_path / FILE_NAME).read_text() == '{"redis_port": 1'
