"""The subcommands that talk to a service: parses, dispatches. Nothing heavy is imported before one runs."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[[Namespace, list[str]], int]

EXIT_STATUSES = """exit status: 0 ok, 1 any other error, 2 usage, 3 the job failed, 4 the job was canceled,
5 no such job, or no right to it; 130 interrupted (a job that is being watched goes on)"""


def add_client_commands(commands: Any) -> None:
    """submit, watch, cancel, download and jobs."""
    shared = ArgumentParser(add_help=False)
    shared.add_argument(
        "--url", metavar="U", help="the service; default: MAGIC141_URL, http://127.0.0.1:8000"
    )
    shared.add_argument("--json", action="store_true", help="one JSON object a line on standard output")

    def command(name: str, told: str, run: Run) -> ArgumentParser:
        parser: ArgumentParser = commands.add_parser(
            name,
            help=told,
            description=f"{told}. The API key is taken from MAGIC141_API_KEY.",
            epilog=EXIT_STATUSES,
            formatter_class=RawDescriptionHelpFormatter,
            parents=[shared],
        )
        parser.set_defaults(run=run, wrong=parser.error)
        return parser

    _submit_arguments(command("submit", "have the service make a video; prints the job's id", _submit))
    command("watch", "follow a job to its end", _watch).add_argument("id")
    command("cancel", "stop a job; its finished part stays playable", _cancel).add_argument("id")
    download = command("download", "save a finished job's file; prints where", _download)
    download.add_argument("id")
    download.add_argument("--out", type=Path, metavar="F", help="default: named after the job")
    download.add_argument("--variant", choices=("video", "thumbnail", "spritesheet"), default="video")
    jobs = command("jobs", "list jobs, newest first", _jobs)
    jobs.add_argument("--status", choices=("queued", "running", "succeeded", "failed", "canceled"))
    jobs.add_argument("--metadata", type=_pair, action="append", metavar="K=V", help="may be given again")
    jobs.add_argument("--limit", type=int, default=20, metavar="N")


def _submit_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="?", help="may be left out where there are shots")
    parser.add_argument("--image", metavar="F|URL", help="the first picture; if absent, it is painted")
    parser.add_argument("--seconds", type=float, metavar="S")
    parser.add_argument("--seed", type=int, metavar="N", help="random if absent")
    parser.add_argument("--model", metavar="M")
    parser.add_argument("--size", metavar="WxH")
    shot_help = "a prompt for some seconds; may be given again"
    parser.add_argument("--shot", type=_shot, action="append", metavar='"PROMPT:SECONDS"', help=shot_help)
    parser.add_argument("--webhook-url", metavar="U")
    parser.add_argument("--metadata", type=_pair, action="append", metavar="K=V", help="may be given again")
    parser.add_argument("--priority", type=int, metavar="N", help="-10 to 10")
    parser.add_argument("--deadline", type=float, metavar="S", help="seconds from now; then it fails")
    parser.add_argument("--idempotency-key", metavar="K", help="the same key again makes no second job")
    parser.add_argument("--watch", action="store_true", help="follow it to its end")
    parser.add_argument("--out", type=Path, metavar="F.mp4", help="follow it to its end and save the video")


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def _shot(text: str) -> tuple[str, float]:
    prompt, _, seconds = text.rpartition(":")
    try:
        return prompt, float(seconds)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not PROMPT:SECONDS") from None


def _submit(args: Namespace, rest: list[str]) -> int:
    from worker.client.commands.status import run
    from worker.client.commands.submit import submit

    if args.prompt is None and not args.shot:
        args.wrong("a prompt or a --shot is needed")
    return run(submit, args)


def _watch(args: Namespace, rest: list[str]) -> int:
    from worker.client.commands.status import run
    from worker.client.commands.watch import watch

    return run(watch, args)


def _cancel(args: Namespace, rest: list[str]) -> int:
    from worker.client.commands.cancel import cancel
    from worker.client.commands.status import run

    return run(cancel, args)


def _download(args: Namespace, rest: list[str]) -> int:
    from worker.client.commands.download import download
    from worker.client.commands.status import run

    return run(download, args)


def _jobs(args: Namespace, rest: list[str]) -> int:
    from worker.client.commands.jobs import jobs
    from worker.client.commands.status import run

    return run(jobs, args)
