"""/v1/models: what can be asked for."""

from fastapi import APIRouter

from app.errors import documented
from app.objects import ModelList, ModelObject
from app.services import Owner, Using
from worker.contract.models import MODELS

router = APIRouter(prefix="/v1/models", tags=["models"], responses=documented(401, 503))


@router.get("")
def list_models(owner: Owner, services: Using) -> ModelList:
    """The models, with the sizes and lengths that each one makes, and whether a worker has it loaded."""
    settings, ready = services.settings, services.store.models()
    return ModelList(
        data=[
            ModelObject(
                id=info.name,
                description=info.description,
                licence=info.licence,
                sizes=list(info.sizes),
                fps=info.fps,
                min_seconds=info.min_seconds,
                max_seconds=min(info.max_seconds, settings.max_seconds),
                max_shots=info.max_shots,
                guidance=info.guidance,
                steps=info.steps,
                repository=info.repository,
                min_memory_gib=info.min_memory_gib,
                default=info.name == settings.model,
                accepted=info.name in settings.accepted_models | ready,
                ready=info.name in ready,
            )
            for info in MODELS.values()
        ]
    )
