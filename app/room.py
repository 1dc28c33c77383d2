"""Whether the workers that are ready can hold what is asked for."""

from app.services import Services
from worker.contract.errors import InvalidRequest
from worker.contract.job import JobSpec
from worker.contract.models import MODELS


def require_room(spec: JobSpec, services: Services) -> None:
    """Raises InvalidRequest where every ready worker of the model has announced that a picture of this size
    takes more memory than it has; a job that nobody could render would only wait, or end in an error.

    The model's default size is not asked about: a worker has rendered it when it says that it is ready.
    """
    if spec.size == MODELS[spec.model].sizes[0]:
        return
    ready = services.store.of_model(spec.model)
    # A worker that announces no limit is an older one, and is taken at its word.
    largest = max((told.get("largest_pixels", float("inf")) for told in ready), default=float("inf"))
    width, height = map(int, spec.size.split("x"))
    if width * height > largest:
        raise InvalidRequest(
            "does_not_fit",
            f"size: {spec.size} is {width * height} pixels, and the ready workers have memory for {largest}",
            "size",
        )
