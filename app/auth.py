"""API keys: Bearer tokens, kept as hashes, compared in constant time."""

import hashlib
import hmac
from dataclasses import dataclass

from worker.contract.errors import Unauthorized

ANONYMOUS = "anonymous"


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


@dataclass(frozen=True)
class ApiKeys:
    """Hash of each secret with the id its jobs belong to; none means that everybody may."""

    keys: tuple[tuple[bytes, str], ...]

    @classmethod
    def parse(cls, text: str | None) -> "ApiKeys":
        """From `name:secret` or `secret`, comma separated. A key without a name is called by its hash."""
        found = []
        for item in (text or "").split(","):
            name, colon, secret = item.strip().partition(":")
            if not colon:
                name, secret = "", name
            if secret:
                hashed = _hash(secret)
                found.append((hashed, name or f"key-{hashed.hex()[:12]}"))
        return cls(tuple(found))

    def owner(self, authorization: str | None) -> str:
        """The id of the key in an Authorization header. Raises Unauthorized."""
        if not self.keys:
            return ANONYMOUS
        scheme, _, secret = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise Unauthorized("missing_api_key", "send an API key: Authorization: Bearer <key>")
        given = _hash(secret.strip())
        # All are compared, so the time tells nothing about which one was near.
        matches = [name for hashed, name in self.keys if hmac.compare_digest(hashed, given)]
        if not matches:
            raise Unauthorized("invalid_api_key", "this API key is not known")
        return matches[0]
