"""API keys: Bearer tokens, known by their hashes only, from the settings and from Redis."""

import hmac
import time
from dataclasses import dataclass

from worker.contract.access import Access, sha256
from worker.contract.errors import Unauthorized

ANONYMOUS = "anonymous"
FRESH_SECONDS = 1.0
"""How old what was read from Redis may be: so long a revoked key may go on, and nobody notice a first one."""


Owners = dict[str, tuple[str, str]]
"""By the first digits of a hash: the hash, and whose it is."""
INDEX_DIGITS = 16


def configured(text: str | None) -> Owners:
    """From `name:secret` or `secret`, comma separated. A key without a name is called by its hash."""
    found = []
    for item in (text or "").split(","):
        name, colon, secret = item.strip().partition(":")
        if not colon:
            name, secret = "", name
        if secret:
            found.append((sha256(secret), name or f"key-{sha256(secret)[:12]}"))
    return {digest[:INDEX_DIGITS]: (digest, owner) for digest, owner in found}


@dataclass(frozen=True)
class _Read:
    """What Redis held, by this process's clock."""

    at: float
    owners: Owners
    any: bool
    """Revoked ones count: a server that had keys stays closed."""


class ApiKeys:
    """Whose a key is; where there is none at all, everybody is ANONYMOUS."""

    def __init__(self, text: str | None, access: Access) -> None:
        self._configured = configured(text)
        self._access = access
        self._read: _Read | None = None

    def known(self, authorization: str | None) -> str | None:
        """What `owner` says, where memory is enough for a yes; None: ask that."""
        given, read = _given(authorization), self._read
        fresh = read if read and time.monotonic() - read.at <= FRESH_SECONDS else None
        if given is not None:
            return _match(self._configured, given) or (_match(fresh.owners, given) if fresh else None)
        return ANONYMOUS if fresh and not fresh.any and not self._configured else None

    def owner(self, authorization: str | None) -> str:
        """The id of the key in an Authorization header. Raises Unauthorized, and RedisError."""
        given = _given(authorization)
        if given is not None:
            owner = (
                _match(self._configured, given)
                or _match(self._kept(FRESH_SECONDS).owners, given)
                or _match(self._kept(0).owners, given)  # it may be new
            )
            if owner is not None:
                return owner
        if not self._configured and not self._kept(FRESH_SECONDS).any:
            return ANONYMOUS
        if given is None:
            raise Unauthorized("missing_api_key", "send an API key: Authorization: Bearer <key>")
        raise Unauthorized("invalid_api_key", "this API key is not known")

    def valid(self, authorization: str | None) -> bool:
        """Whether it still opens anything."""
        try:
            self.owner(authorization)
        except Unauthorized:
            return False
        return True

    def _kept(self, max_age_seconds: float) -> _Read:
        read, now = self._read, time.monotonic()
        if read is None or now - read.at > max_age_seconds:
            found = self._access.all()
            valid = [(key.sha256, key.name) for key in found if key.revoked_at is None]
            owners = {digest[:INDEX_DIGITS]: (digest, name) for digest, name in valid}
            read = self._read = _Read(now, owners, bool(found))
        return read


def _given(authorization: str | None) -> str | None:
    """The hash of the secret in the header."""
    scheme, _, secret = (authorization or "").partition(" ")
    return sha256(secret.strip()) if scheme.lower() == "bearer" and secret.strip() else None


def _match(owners: Owners, given: str) -> str | None:
    """In a time that does not tell how much of a hash was right."""
    digest, owner = owners.get(given[:INDEX_DIGITS], ("", ""))
    return owner if hmac.compare_digest(digest, given) else None
