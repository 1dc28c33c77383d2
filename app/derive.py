"""A job made from another one: what it asks for, and which finished windows the two share."""

from collections.abc import Sequence
from dataclasses import replace

from app import parse
from app.requests import ExtensionRequest, ForkRequest, JobOptions, JobPatch
from app.services import Services
from worker.contract.errors import Conflict
from worker.contract.job import Job, JobSpec, JobState, Origin, Segment, Shot
from worker.contract.models import MODELS, window_at, window_start

Derived = tuple[JobSpec, Sequence[Segment]]


def fork(source: Job, request: ForkRequest, services: Services) -> Derived:
    """Shares the windows before `window`. Raises InvalidRequest, or Conflict where they are not there."""
    whole = _whole_windows(source)
    window = whole if request.window is None else request.window
    if window > whole:
        raise Conflict("not_ready", f"{whole} whole windows are there to share, not {window}")
    seconds = source.spec.seconds if request.seconds is None else request.seconds
    if request.shots is not None:
        if request.prompt is not None:
            raise parse.wrong("shots", "give these or a prompt, not both")
        after = parse.checked_shots(request.shots, MODELS[source.spec.model], services)
        total = _starts(source, window) + sum(shot.seconds for shot in after)
        if request.seconds is not None and abs(total - seconds) > parse.SUM_TOLERANCE_SECONDS:
            raise parse.wrong("shots", f"with what is shared they make {total:g} s, not {seconds:g}")
        seconds = total
    elif request.prompt is not None:
        parse.check_prompt("prompt", request.prompt, services)
        after = (Shot(request.prompt, seconds - _starts(source, window)),)
    else:
        after = None
    spec = _going_on(source, window, after, seconds, services)
    seed = source.spec.seed if request.seed is None else request.seed
    origin = Origin(source.id, "fork", window)
    prompt = after[0].prompt if after else spec.prompt
    made = replace(spec, prompt=prompt, seed=seed, origin=origin, **parse.options(request, services))
    return made, source.segments[:window]


def extension(source: Job, request: ExtensionRequest, services: Services) -> Derived:
    """The whole of a finished video, and more. A last window that was cut short is rendered again, whole."""
    if source.state is not JobState.SUCCEEDED:
        raise Conflict("not_ready", f"only a completed video can be extended, and this one is {source.state}")
    parse.check_prompt("prompt", request.prompt, services)
    if request.seconds <= 0:
        raise parse.wrong("seconds", "must be above 0")
    window, old = _whole_windows(source), source.spec
    after = (*_from(old.shots, _starts(source, window)), Shot(request.prompt, request.seconds))
    spec = _going_on(source, window, after, old.seconds + request.seconds, services)
    origin = Origin(source.id, "extension", window)
    made = replace(spec, prompt=request.prompt, origin=origin, **parse.options(request, services))
    return made, source.segments[:window]


def remix(source: Job, prompt: str, options: JobOptions, services: Services) -> Derived:
    """The same size, length, seed and given picture, by another prompt; nothing is shared."""
    parse.check_prompt("prompt", prompt, services)
    old = source.spec
    spec = replace(old, prompt=prompt, shots=(Shot(prompt, old.seconds),), origin=Origin(source.id, "remix"))
    return replace(spec, **parse.options(options, services)), ()


def patched(spec: JobSpec, patch: JobPatch) -> tuple[JobSpec, int | None]:
    """For JobStore.amend: the spec as the patch has it, and the first window that it changes."""
    shots, first = list(spec.shots), None
    for change in patch.shots:
        if change.index >= len(shots):
            raise parse.wrong("shots", f"there is no shot {change.index}, only {len(shots)}")
        begins = window_at(sum(shot.seconds for shot in spec.shots[: change.index]), spec.model)
        first = begins if first is None else min(first, begins)
        shots[change.index] = replace(shots[change.index], prompt=change.prompt)
    prompt = shots[0].prompt if spec.prompt == spec.shots[0].prompt else spec.prompt
    priority = spec.priority if patch.priority is None else patch.priority
    return replace(spec, shots=tuple(shots), prompt=prompt, priority=priority), first


def _going_on(
    source: Job, window: int, after: Sequence[Shot] | None, seconds: float, services: Services
) -> JobSpec:
    """The source's spec with other shots from a window on (None: the same) and another length."""
    old, model = source.spec, MODELS[source.spec.model]
    parse.check_seconds(seconds, model, services)
    frames = parse.num_frames(seconds, model)
    if frames <= window_start(window, model.name):
        raise parse.wrong("seconds", f"{seconds:g} s end before window {window} begins")
    starts = _starts(source, window)
    after = _from(old.shots, starts) if after is None else after
    shots = (*_until(old.shots, starts), *after)
    return replace(
        old,
        shots=shots,
        seconds=seconds,
        num_frames=frames,
        image_key=source.image_key or old.image_key,
    )


def _starts(source: Job, window: int) -> float:
    """When a window begins, in seconds."""
    return window_start(window, source.spec.model) / source.spec.fps


def _whole_windows(source: Job) -> int:
    """The finished windows that go on: all but a last one that was cut to the video's length."""
    model = source.spec.model
    return sum(
        segment.num_frames == window_start(segment.index + 1, model) - window_start(segment.index, model)
        for segment in source.segments
    )


def _until(shots: Sequence[Shot], seconds: float) -> list[Shot]:
    """What comes before a time."""
    kept, begins = [], 0.0
    for shot in shots:
        if begins < seconds:
            kept.append(replace(shot, seconds=min(shot.seconds, seconds - begins)))
        begins += shot.seconds
    return kept


def _from(shots: Sequence[Shot], seconds: float) -> list[Shot]:
    """What comes after it; past the end, nothing but the last shot's prompt holds."""
    kept, begins = [], 0.0
    for shot in shots:
        ends = begins + shot.seconds
        if ends > seconds:
            kept.append(replace(shot, seconds=ends - max(begins, seconds)))
        begins = ends
    return kept
