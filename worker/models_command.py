"""`magic141 models`: weights fetched, looked at, and converted; needs no service that runs."""

import argparse
from pathlib import Path
from typing import Any

from worker.contract.models import MODELS


def add_models_command(commands: Any) -> None:
    """models list, pull, verify, preview and convert."""
    told = "fetch, verify or convert a model's weights, and make its previews"
    parser = commands.add_parser("models", help=told, description=told)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, told: str) -> argparse.ArgumentParser:
        one: argparse.ArgumentParser = actions.add_parser(name, help=told, description=told)
        one.set_defaults(run=_run)
        return one

    action("list", "the models that there are, with their licences")
    pull = action("pull", "download a model's published weights from the Hugging Face hub")
    pull.add_argument("model", choices=[name for name, info in MODELS.items() if info.repository])
    pull.add_argument("folder", type=Path)
    verify = action("verify", "compare a folder with what the model needs; reads headers, loads nothing")
    verify.add_argument("model", choices=list(MODELS))
    verify.add_argument("folder", type=Path)
    preview = action("preview", "make FOLDER/preview.safetensors, by which `generate --preview` shows")
    preview.add_argument("model", choices=list(MODELS))
    preview.add_argument("folder", type=Path)
    convert = action("convert", "from HunyuanVideo's original key names to FOLDER/transformer")
    convert.add_argument("source", type=Path, help="a .safetensors file, or torch's")
    convert.add_argument("folder", type=Path)


def _run(args: argparse.Namespace, rest: list[str]) -> None:
    actions = {"list": _list, "pull": _pull, "verify": _verify, "preview": _preview, "convert": _convert}
    actions[args.action](args)


def _list(args: argparse.Namespace) -> None:
    for info in MODELS.values():
        source = info.repository or ("bundled" if info.name == "mini" else "not published")
        print(f"{info.name}\n  {info.description}\n  weights: {source}\n  licence: {info.licence}")


def _pull(args: argparse.Namespace) -> None:
    from model.pull import pull

    print(f"licence: {MODELS[args.model].licence}")
    pull(args.model, args.folder)


def _verify(args: argparse.Namespace) -> None:
    from model.load import verify

    chosen = verify(args.model, args.folder)
    print(f"{args.folder}: all that {args.model} needs is there\n{chosen}")


def _preview(args: argparse.Namespace) -> None:
    from model.load import make_preview

    make_preview(args.model, args.folder)
    print(f"{args.folder / 'preview.safetensors'}: written")


def _convert(args: argparse.Namespace) -> None:
    from model.convert import convert

    convert(args.source, args.folder)
    print(f"{args.folder / 'transformer'}: written")
