"""The two embedded servers, really started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import boto3
import httpx
import pytest
import redis
from botocore.config import Config
from botocore.exceptions import ClientError

from worker.local.redis import start_redis
from worker.local.s3 import S3Server, start_s3


def s3_client(server: S3Server, secret_key: str):
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=secret_key,
        region_name="us-east-1",
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def test_redis_keeps_what_it_answered_through_kill_9(tmp_path: Path) -> None:
    server = start_redis(tmp_path, password="correct-horse")
    client = redis.Redis.from_url(server.url)
    client.set("kept", "yes")
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    server.process.kill()
    server.process.wait()
    client.close()

    again = start_redis(tmp_path, server.port, password="correct-horse")
    try:
        with redis.Redis.from_url(again.url) as client:
            assert client.get("kept") == b"yes"
        with redis.Redis(port=again.port, retry=None) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.get("kept")
    finally:
        again.stop()
    assert again.process.returncode == 0


def test_s3_stores_and_refuses(tmp_path: Path) -> None:
    server = start_s3(tmp_path)
    try:
        client = s3_client(server, server.secret_key)
        client.put_object(Bucket=server.bucket, Key="a/b.mp4", Body=b"hello", ContentType="video/mp4")
        answer = client.get_object(Bucket=server.bucket, Key="a/b.mp4")
        assert (answer["Body"].read(), answer["ContentType"]) == (b"hello", "video/mp4")
        with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
            s3_client(server, "not-the-secret").get_object(Bucket=server.bucket, Key="a/b.mp4")
        # Secrets are not for everyone who can list processes.
        assert server.secret_key.encode() not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
    finally:
        server.stop()


def test_a_browser_of_another_origin_reads_what_was_signed_for_it(s3: S3Server) -> None:
    client = s3_client(s3, s3.secret_key)
    client.put_object(Bucket=s3.bucket, Key="c/0.m4s", Body=b"segment")
    url = client.generate_presigned_url("get_object", Params={"Bucket": s3.bucket, "Key": "c/0.m4s"})
    answer = httpx.get(url, headers={"Origin": "https://elsewhere.example"})
    assert (answer.status_code, answer.text) == (200, "segment")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert 400 <= httpx.get(url.partition("?")[0]).status_code < 500  # nobody's who has no signature


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    server = start_redis(tmp_path / "one")
    try:
        with pytest.raises(RuntimeError, match=r"rclone serve s3 did not start .*s3\.log"):
            start_s3(tmp_path / "two", server.port)
    finally:
        server.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_servers_die_with_their_parent(tmp_path: Path) -> None:
    script = (
        "import sys, time; from worker.local.redis import start_redis\n"
        "print(start_redis(sys.argv[1]).pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(pid)


def _alive(pid: int) -> bool:
    try:  # a zombie that nobody has reaped yet is dead
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
