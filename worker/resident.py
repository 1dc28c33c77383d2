"""What one worker process holds for as long as it lives, and how a slice in it can end."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore

if TYPE_CHECKING:
    from model.engine import Engine


class Outcome(StrEnum):
    """REFUSED: never begun (lease held elsewhere, or nothing to do). LEFT: to be queued again. LOST: nothing
    may be written any more; the job is picked up again once the lease has run out."""

    REFUSED = "refused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    LEFT = "left"
    LOST = "lost"


@dataclass(frozen=True)
class Resident:
    """`stopping` is set by SIGTERM: finish the window, leave the slice. `faulty` is set with it by an error
    nobody expected: what an engine is worth after one isn't known, so the process makes way for another."""

    engine: Engine
    store: JobStore
    storage: Storage
    settings: Settings
    worker: str
    stopping: threading.Event = field(default_factory=threading.Event)
    faulty: threading.Event = field(default_factory=threading.Event)
