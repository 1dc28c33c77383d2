"""A job's events as they happen, over as many connections as it takes."""

import logging

import httpx

from worker.client.errors import Unreachable
from worker.client.event import EventParser
from worker.client.flows import ask, place
from worker.client.job import OVER, Job
from worker.client.retry import Retry
from worker.client.steps import Flow, Give, Read, Send, Sleep

log = logging.getLogger(__name__)
SILENCE_SECONDS = 45.0  # the server pings every 15


def watch(job_id: str, after: str | None, retry: Retry) -> Flow:
    """Every event later than `after`, once each, up to the one that ends the job."""
    failures = 0
    while True:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
        path = place(job_id, "events")
        yield from ask(Send("GET", path, headers=headers, stream=True, read_seconds=SILENCE_SECONDS), retry)
        parser, before, broken = EventParser(), after, ""
        try:
            while part := (yield Read()):
                for event in parser.feed(part):
                    after = event.id
                    yield Give(event)
                    if event.type in OVER:
                        return
        except httpx.TransportError as error:
            broken = f"{type(error).__name__}: {error}"
        if not broken and after == before:
            # It ended without a word: there may be nothing left to tell, as when `after` was the last event.
            answer = yield from ask(Send("GET", place(job_id)), retry)
            if Job.model_validate(answer.json()).over:
                return
        failures = 1 if after != before else failures + 1
        pause = retry.pause(failures)
        if pause is None:
            raise Unreachable(f"the events of {job_id} break off: {broken or 'the stream ends'}")
        log.warning("the events of %s broke off; again in %.1f s", job_id, pause)
        yield Sleep(pause)
