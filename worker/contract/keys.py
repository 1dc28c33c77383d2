"""Every name in Redis and S3, in one place."""

QUEUE_HOOKS = "hooks"

INDEX = "magic141:jobs"  # zset, all scores 0: ids sort by time, so the index is lexical
WAITING_SINCE = "magic141:waiting-since"  # zset id -> when it was queued, of all that wait
FINISHED = "magic141:finished"  # zset id -> when it ended
SHARES = "magic141:shares"  # hash owner -> the virtual time up to which the owner has had its share
VIRTUAL_TIME = "magic141:virtual-time"  # the tag of the last slice that was taken
RUNNING = "magic141:running"  # set of ids
LEASE_COUNTER = "magic141:lease-counter"
OUTBOX = "magic141:outbox"  # zset webhook id -> when it is due
DEAD_LETTERS = "magic141:dead-letters"  # zset webhook id -> when it was given up
TRASH = "magic141:trash"  # set of ids of jobs that are gone and whose files nobody needs
COUNTERS = "magic141:counters"  # hash of what is counted, see counters.py
WORKERS = "magic141:workers"  # set of names; the truth is each one's key, which expires
API_KEYS = "magic141:api-keys"  # hash name -> its record as JSON, see access.py

# and a model: zset id -> its claim, the least is next; the line that waits
PENDING_PREFIX = "magic141:pending:"
# and a model: list of the last measured times between two commits
WINDOW_SECONDS_PREFIX = "magic141:window-seconds:"
JOB_PREFIX = "magic141:job:"
OUTBOX_PREFIX = "magic141:outbox:"
INDEX_PREFIX = "magic141:jobs:"
SHARERS_PREFIX = "magic141:sharers:"  # and a job's id: set of the jobs that use files of it
WAITING_PREFIX = "magic141:waiting:"  # and an owner: set of the ids that wait
ACCEPTED_PREFIX = "magic141:accepted:"  # and an owner: list of when its last jobs were accepted, newest first
ASKED_PREFIX = "magic141:asked:"  # and the day since 1970 and an owner: seconds of video it asked for


def queue_generate(model: str) -> str:
    """The rq queue that wakes the workers of a model."""
    return f"generate:{model}"


def pending(model: str) -> str:
    return f"{PENDING_PREFIX}{model}"


def window_seconds(model: str) -> str:
    return f"{WINDOW_SECONDS_PREFIX}{model}"


def job(job_id: str) -> str:
    return f"{JOB_PREFIX}{job_id}"


def windows(job_id: str) -> str:
    return f"{JOB_PREFIX}{job_id}:windows"


def events(job_id: str) -> str:
    return f"{JOB_PREFIX}{job_id}:events"


def lease(job_id: str) -> str:
    return f"{JOB_PREFIX}{job_id}:lease"


def owner_index(owner: str) -> str:
    return f"{INDEX_PREFIX}{owner}"


def idempotency(owner: str, key_hash: str) -> str:
    return f"magic141:idempotency:{owner}:{key_hash}"


def outbox_entry(webhook_id: str) -> str:
    return f"{OUTBOX_PREFIX}{webhook_id}"


def worker(name: str) -> str:
    return f"magic141:worker:{name}"


def rq_list(queue: str) -> str:
    """rq's own list of waiting entries."""
    return f"rq:queue:{queue}"


def input_image(sha256: str) -> str:
    return f"inputs/{sha256}"


def video_prefix(job_id: str) -> str:
    return f"videos/{job_id}/"


def video_of(key: str) -> str | None:
    """The job in whose folder a key lies; None for what is in none, an input image."""
    folder, _, rest = key.partition("/")
    return rest.partition("/")[0] if folder == "videos" else None


def image(job_id: str) -> str:
    return f"videos/{job_id}/image.png"


def init_segment(job_id: str) -> str:
    return f"videos/{job_id}/init.mp4"


def segment(job_id: str, index: int) -> str:
    return f"videos/{job_id}/{index:05d}.m4s"


def playlist(job_id: str) -> str:
    return f"videos/{job_id}/playlist.m3u8"


def video(job_id: str) -> str:
    return f"videos/{job_id}/video.mp4"


def thumbnail(job_id: str) -> str:
    return f"videos/{job_id}/thumbnail.jpg"


def sprites(job_id: str) -> str:
    return f"videos/{job_id}/sprites.jpg"


def manifest(job_id: str) -> str:
    return f"videos/{job_id}/manifest.json"


def window_state(job_id: str, index: int) -> str:
    """Continuation state that window `index` left behind, for window index + 1."""
    return f"videos/{job_id}/state/{index:05d}.safetensors"
