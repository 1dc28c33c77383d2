"""Every artefact, in S3. One code path for the laptop's rclone and a real bucket."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from worker.contract.errors import NotFound, Unavailable
from worker.contract.settings import Settings

READ_BYTES = 256 * 1024


@dataclass(frozen=True)
class ObjectInfo:
    size_bytes: int
    etag: str
    """Quoted, as HTTP wants it."""


class Storage:
    """One bucket.

    Every method raises Unavailable when S3 does not answer, answers 5xx or refuses our credentials, and
    NotFound where a key is missing. Threads may share it.
    """

    def __init__(self, settings: Settings) -> None:
        self.bucket = settings.s3_bucket
        self.signed_url_seconds = settings.signed_url_seconds
        self._s3 = _client(settings, settings.s3_endpoint)
        public = settings.s3_public_endpoint
        self._signer = _client(settings, public) if public else self._s3
        self._sign = lru_cache(maxsize=8192)(self._presign)

    def put(self, key: str, data: bytes | Path, content_type: str) -> None:
        """Write a whole object; readers see the old one or the new one, never a part."""
        with _typed(key):
            if isinstance(data, Path):
                self._s3.upload_file(str(data), self.bucket, key, ExtraArgs={"ContentType": content_type})
            else:
                self._s3.put_object(Bucket=self.bucket, Key=key, Body=data, ContentType=content_type)

    def get(self, key: str) -> bytes:
        with _typed(key):
            return self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def get_file(self, key: str, path: Path) -> None:
        with _typed(key):
            self._s3.download_file(self.bucket, key, str(path))

    def open_range(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to `end` (inclusive; None: the last). Errors come before the first piece."""
        with _typed(key):
            wanted = (
                {"Range": f"bytes={start}-{'' if end is None else end}"} if start or end is not None else {}
            )
            body = self._s3.get_object(Bucket=self.bucket, Key=key, **wanted)["Body"]
        return body.iter_chunks(READ_BYTES)

    def info(self, key: str) -> ObjectInfo:
        with _typed(key):
            head = self._s3.head_object(Bucket=self.bucket, Key=key)
        return ObjectInfo(head["ContentLength"], head["ETag"])

    def size(self, key: str) -> int:
        """Bytes."""
        return self.info(key).size_bytes

    def exists(self, key: str) -> bool:
        try:
            self.info(key)
        except NotFound:
            return False
        return True

    def delete_prefix(self, prefix: str) -> None:
        """Delete every object whose key begins so; none is fine. Raises Unavailable when one stays."""
        with _typed(prefix):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            for page in pages:
                found = [{"Key": item["Key"]} for item in page.get("Contents", ())]
                if found:
                    answer = self._s3.delete_objects(
                        Bucket=self.bucket, Delete={"Objects": found, "Quiet": True}
                    )
                    # The request as a whole succeeds even where S3 refuses every key in it.
                    if kept := answer.get("Errors"):
                        why = f"storage keeps {kept[0].get('Key')}: {kept[0].get('Code')}"
                        raise Unavailable("storage_unavailable", why)

    @property
    def public_origin(self) -> str:
        """Where signed URLs lead: scheme, host and port."""
        return "{0.scheme}://{0.netloc}".format(urlsplit(self._signer.meta.endpoint_url))

    def signed_url(self, key: str, *, filename: str | None = None) -> str:
        """A GET URL that works without credentials for signed_url_seconds, or a quarter less.

        The same URL is given for a while, so players and caches see a segment under one name. `filename`
        makes it a download.
        """
        return self._sign(key, filename, int(time.time() // (self.signed_url_seconds / 4)))

    def _presign(self, key: str, filename: str | None, period: int) -> str:
        params = {"Bucket": self.bucket, "Key": key}
        if filename:
            params["ResponseContentDisposition"] = f'attachment; filename="{filename}"'
        return self._signer.generate_presigned_url(
            "get_object", Params=params, ExpiresIn=self.signed_url_seconds
        )

    def ensure_bucket(self) -> None:
        with _typed(self.bucket):
            try:
                self._s3.head_bucket(Bucket=self.bucket)
            except ClientError as error:
                if _status(error) != 404:
                    raise
                self._create_bucket()

    def _create_bucket(self) -> None:
        region = self._s3.meta.region_name
        # AWS wants every region named but this one, which it refuses to be told.
        place = {"LocationConstraint": region} if region != "us-east-1" else None
        try:
            self._s3.create_bucket(
                Bucket=self.bucket, **({"CreateBucketConfiguration": place} if place else {})
            )
        except ClientError as error:
            if _status(error) != 409:
                raise
            self._s3.head_bucket(Bucket=self.bucket)  # another process was first; 403: it is a stranger's

    def ping(self) -> None:
        """Raises Unavailable when the bucket cannot be reached."""
        try:
            with _typed(self.bucket):
                self._s3.head_bucket(Bucket=self.bucket)
        except NotFound as error:
            raise Unavailable("storage_unavailable", f"there is no bucket {self.bucket}") from error
        except ClientError as error:  # a wrong region, say
            raise Unavailable("storage_unavailable", f"storage answered {_status(error)}") from error


def _client(settings: Settings, endpoint: str | None):
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=settings.s3_secret_key,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            # boto3's newer default checksums break ranged reads from S3 servers other than AWS's.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "max_attempts": 3},
            max_pool_connections=32,
        ),
    )


@contextmanager
def _typed(key: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError, Boto3Error) as error:
        # boto3 hides what the upload of a file was answered behind an error of its own.
        answer = error if isinstance(error, ClientError) else error.__context__
        if not isinstance(answer, ClientError):
            why = f"storage does not answer: {type(error).__name__}"
            raise Unavailable("storage_unavailable", why) from error
        status = _status(answer)
        if status == 404:
            raise NotFound("not_found", f"nothing is stored as {key}") from error
        if status >= 500 or status == 429:
            raise Unavailable("storage_unavailable", f"storage answered {status}") from error
        # Wrong keys, a clock that is off, a body that came damaged: no caller can help it, and no engine is
        # worth less for it.
        code = answer.response.get("Error", {}).get("Code", "")
        raise Unavailable("storage_unavailable", f"storage refuses us ({status} {code})") from error


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
