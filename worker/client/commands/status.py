"""Exit statuses, and the one place where an error becomes one of them.

0 ok, 1 any other error, 2 usage, 3 the job failed, 4 the job was canceled, 5 no such job or no right to it,
130 interrupted.
"""

import sys
from argparse import Namespace
from collections.abc import Callable

from worker.client.errors import ApiError, ClientError
from worker.client.job import JobError
from worker.client.sync import Client

OK, ERROR, JOB_FAILED, JOB_CANCELED, NOT_YOURS = 0, 1, 3, 4, 5
OF_JOB = {"succeeded": OK, "failed": JOB_FAILED, "canceled": JOB_CANCELED}
OF_CODE = {"video_failed": JOB_FAILED, "video_canceled": JOB_CANCELED}
OF_HTTP = {401: NOT_YOURS, 403: NOT_YOURS, 404: NOT_YOURS}


def run(command: Callable[[Namespace, Client], int], args: Namespace) -> int:
    """The command's exit status; a client's error becomes one line on standard error."""
    try:
        with Client(args.url) as client:
            return command(args, client)
    except ClientError as error:
        say(f"magic141 {args.command}: {error}")
        if not isinstance(error, ApiError):
            return ERROR
        return OF_CODE.get(error.code) or OF_HTTP.get(error.status, ERROR)


def ended(state: str, error: JobError | None) -> int:
    """The status for a job that is over; says why it did not succeed."""
    if state != "succeeded" and error is not None:
        say(f"the job {state}: {error.message} ({error.code})")
    return OF_JOB[state]


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
