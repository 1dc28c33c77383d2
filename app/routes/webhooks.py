"""/v1/webhooks: what a receiver did not take, and another try of it."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.errors import documented
from app.objects import DeadLetter, DeadLetterList, Redelivery
from app.services import Owner, Using

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=documented(401, 503))


@router.get("/dead-letters", responses=documented(422))
def list_dead_letters(
    owner: Owner, services: Using, limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> DeadLetterList:
    """Webhooks of your jobs that were given up after the last try, oldest first."""
    found = services.store.dead_letters(owner)
    data = [
        DeadLetter(
            id=entry.webhook_id,
            job_id=entry.job_id,
            type=entry.type,
            url=entry.url,
            attempts=entry.attempts,
            reason=entry.reason,
            created_at=entry.created_at,
        )
        for entry in found[:limit]
    ]
    return DeadLetterList(data=data, has_more=len(found) > limit)


@router.post("/{webhook_id}/redeliver", status_code=202, responses=documented(404))
def redeliver(webhook_id: Annotated[str, Path(max_length=128)], owner: Owner, services: Using) -> Redelivery:
    """Try a dead letter again, under the id it had, as often as the first time."""
    services.store.redeliver(webhook_id, owner)
    return Redelivery(id=webhook_id)
