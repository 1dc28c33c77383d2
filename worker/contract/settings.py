"""Where the service runs and its limits: MAGIC141_* variables, read once per process and passed down."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class Settings(BaseSettings):
    """Addresses, limits and secrets. Every field can be set as MAGIC141_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="MAGIC141_", extra="ignore", env_ignore_empty=True)

    redis_url: str = "redis://127.0.0.1:6379/0"

    s3_endpoint: str | None = None
    """None means the AWS endpoint of the region."""
    s3_bucket: str = "magic141"
    s3_access_key: str | None = None
    s3_secret_key: str | None = None
    s3_region: str = "us-east-1"
    s3_public_endpoint: str | None = None
    """The host that signed URLs name, where clients reach S3 by another address than the service does."""

    model: str = "mini"
    """What a worker loads, and what a request gets that names no model."""
    model_path: str | None = None
    """The folder or hub id of its weights; None: bundled, or the preset's own hub id."""
    models: str = ""
    """Comma list of further models whose jobs are accepted and wait while no worker has them loaded."""
    lease_seconds: float = 6.0
    max_attempts: int = 3
    """How many workers a job may kill, or engine errors it may have, in a row before it fails."""
    stall_seconds: float = 120.0
    """An engine that takes no denoising step for so long hangs: its worker ends itself and starts again."""
    slice_windows: int = 5
    """Windows that a job is given before it makes way for one that waits, should there be one."""

    signed_url_seconds: int = 3600
    max_image_bytes: int = 20 * MIB
    max_image_pixels: int = 40_000_000
    max_prompt_chars: int = 2000
    max_seconds: float = 120
    queue_limit: int = 1000
    """Jobs that may wait, of all keys together."""
    queue_limit_per_key: int | None = None
    """Jobs that may wait of one API key; None: as many as there is room for."""
    rate_limit_per_minute: int | None = Field(default=None, ge=1)
    """Jobs that an API key may have accepted in any 60 seconds; a key's own limit goes before it."""
    quota_seconds_per_day: float | None = Field(default=None, gt=0)
    """Seconds of video that an API key may ask for in a day (UTC); a key's own quota goes before it."""
    retention_seconds: float | None = Field(default=None, gt=0)
    """How long a job that ended is kept, with its files and dead letters; None: until it is deleted."""

    webhook_secret: str | None = None
    """A `whsec_...` value; without one no job with a webhook is accepted, as nothing could be signed."""
    webhook_allow_private: bool = False
    webhook_max_attempts: int = 8
    webhook_backoff_seconds: float = 1.0
    webhook_timeout_seconds: float = 10

    api_keys: str | None = None
    """Comma list of `name:secret` or `secret`, beside those of `magic141 keys`."""
    allow_anonymous: bool = False
    """Lets a server without keys bind other than loopback, for containers behind a gateway."""
    host: str = "127.0.0.1"
    port: int = 8000
    log_level: str = "info"
    log_format: Literal["text", "json"] = "text"
    metrics_token: str | None = None
    """The bearer token that /metrics asks for; None: only clients on loopback may read it."""

    @property
    def accepted_models(self) -> set[str]:
        return {self.model} | {name.strip() for name in self.models.split(",") if name.strip()}

    @classmethod
    def load(cls) -> "Settings":
        """Read the environment. Called once, at a process's entry point."""
        return cls()
