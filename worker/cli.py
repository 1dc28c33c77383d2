"""The `magic141` command. Parses, dispatches, turns an expected failure into one line and exit status 1.

Nothing heavy is imported before a subcommand runs: `--help` loads no torch.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from worker.client_parser import add_client_commands
from worker.keys_command import add_keys_command
from worker.models_command import add_models_command


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit status."""
    args, rest = _parser().parse_known_args(argv)
    if rest and args.command != "bench":
        _parser().parse_args(argv)  # says which argument is unknown, and exits
    try:
        return args.run(args, rest) or 0
    except KeyboardInterrupt:
        return 130
    except (OSError, RuntimeError, ValueError) as error:
        print(f"magic141 {args.command}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="magic141", description="Video from a prompt and an image.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="run the whole service on this machine")
    up.add_argument("--host", default=os.environ.get("MAGIC141_HOST", "127.0.0.1"))
    port = int(os.environ.get("MAGIC141_PORT", "8000"))
    up.add_argument("--port", type=int, default=port, help="0 takes a free one")
    up.add_argument("--data-dir", type=Path, required=True, help="jobs, videos, logs and pid files live here")
    up.add_argument("--workers", type=int, default=1, metavar="N", help="one for each GPU; one on a CPU")
    up.set_defaults(run=_up)

    demo = commands.add_parser("demo", help="start everything, make one video, stop everything")
    demo.add_argument("--prompt", default="a red circle on a blue background, the camera pans left")
    demo.add_argument("--seconds", type=float, default=6.0)
    demo.add_argument("--out", type=Path, default=Path("demo.mp4"))
    demo.set_defaults(run=_demo)

    generate = commands.add_parser("generate", help="make a video with the engine alone, no service")
    generate.add_argument("prompt")
    generate.add_argument("--image", type=Path, metavar="F", help="the first frame; if absent, it is painted")
    generate.add_argument("--seconds", type=float, default=5.0, metavar="S")
    generate.add_argument("--seed", type=int, metavar="N", help="random if absent")
    generate.add_argument("--model", default=os.environ.get("MAGIC141_MODEL", "mini"))
    weights = "its weights: a folder, or a hub id"
    default = os.environ.get("MAGIC141_MODEL_PATH")
    generate.add_argument("--weights", metavar="W", default=default, help=weights)
    generate.add_argument("--out", type=Path, required=True, metavar="F.mp4")
    told = "a moving picture of the window at work, in small, written anew at every step"
    generate.add_argument("--preview", type=Path, metavar="F.webp", help=told)
    generate.set_defaults(run=_generate)

    add_client_commands(commands)
    add_keys_command(commands)
    add_models_command(commands)
    bench = commands.add_parser(
        "bench", help="measure engine and service, the API, or the GPU", add_help=False
    )
    bench.set_defaults(run=_bench)
    return parser


def _up(args: argparse.Namespace, rest: list[str]) -> None:
    from worker.contract.settings import Settings
    from worker.local.supervisor import up

    if args.workers < 1:
        raise ValueError(f"--workers must be at least 1, got {args.workers}")
    up(args.data_dir, host=args.host, port=args.port, workers=args.workers, settings=Settings.load())


def _demo(args: argparse.Namespace, rest: list[str]) -> None:
    from worker.local.demo import demo

    demo(args.prompt, seconds=args.seconds, out=args.out)


def _generate(args: argparse.Namespace, rest: list[str]) -> None:
    from worker.local.generate import generate

    generate(
        args.prompt,
        image=args.image,
        seconds=args.seconds,
        seed=args.seed,
        model=args.model,
        weights=args.weights,
        out=args.out,
        preview=args.preview,
    )


def _bench(args: argparse.Namespace, rest: list[str]) -> int | None:
    if rest[:1] == ["api"]:
        from worker.local.bench_api import main as bench_api

        return bench_api(rest[1:])
    if rest[:1] == ["gpu"]:
        from worker.local.bench_gpu import main as bench_gpu

        return bench_gpu(rest[1:])
    from worker.local.bench import main as bench

    return bench(rest)


if __name__ == "__main__":
    sys.exit(main())
