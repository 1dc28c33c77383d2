"""python -m model.train STAGE [--scale SCALE] [--out FOLDER] [--minutes M]: trains the bundled model.

Any of it can be stopped and begun again: a stage goes on from its checkpoint, and `all` from the first stage
that isn't finished.
"""

import argparse
import dataclasses
from pathlib import Path

import torch

from model.train import autoencoder, memory, prune, student, teacher, words
from model.train.quantise import INT8, quantise
from model.train.recipe import RECIPES

STAGES = ("autoencoder", "words", "teacher", "student", "sparsified")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model.train", description="Trains the bundled model, stage by stage."
    )
    parser.add_argument("stage", choices=(*STAGES, "all"))
    parser.add_argument("--scale", choices=tuple(RECIPES), default="full")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/mini"), help="a folder; each stage has one of its own in it"
    )
    parser.add_argument(
        "--minutes", type=float, help="end the stage by the clock, should its steps take longer"
    )
    parser.add_argument(
        "--weights-from",
        type=Path,
        help="an engine for the teacher to start from, else it starts from nothing",
    )
    parser.add_argument(
        "--snapshots",
        type=int,
        metavar="STEPS",
        help="keep an engine, step-N, every so many of teacher and student",
    )
    parser.add_argument("--seed", type=int, help="another run of the same recipe")
    args = parser.parse_args()
    recipe, out = RECIPES[args.scale], args.out
    if args.seed is not None:
        recipe = dataclasses.replace(recipe, seed=args.seed)
    memory.keep()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cuda":
        torch.set_num_threads(1)  # the loaders have the other cores: threads would wait for one another
    stages = [args.stage] if args.stage != "all" else [stage for stage in STAGES if not _is_done(out, stage)]
    if "autoencoder" in stages:
        autoencoder.train(out, **dataclasses.asdict(recipe.autoencoder), seed=recipe.seed, device=device)
    if "words" in stages:
        words.train(out / "words", recipe.words, recipe.geometry, seed=recipe.seed + 4, device=device)
    if "teacher" in stages:
        teacher.train(
            out / "teacher",
            recipe.teacher,
            recipe.geometry,
            vae=out / "vae",
            words_from=out / "words",
            seed=recipe.seed + 1,
            device=device,
            minutes=args.minutes,
            weights_from=args.weights_from,
            snapshots=args.snapshots,
        )
    if "student" in stages:
        student.train(
            out / "student",
            recipe.student,
            recipe.geometry,
            teacher_from=out / "teacher",
            seed=recipe.seed + 2,
            device=device,
            minutes=args.minutes,
            snapshots=args.snapshots,
        )
    if "sparsified" in stages:
        for how in INT8:
            quantise(out / "student", out / how, how)
        prune.train(
            out / "pruned",
            recipe.pruned,
            recipe.geometry,
            whole_from=out / "student",
            seed=recipe.seed + 3,
            device=device,
            minutes=args.minutes,
        )


def _is_done(out: Path, stage: str) -> bool:
    """Whether a run of all stages that was stopped has this one behind it; what a stage leaves last tells."""
    last = {
        "autoencoder": "vae/diffusion_pytorch_model.safetensors",
        "words": "words/text_encoder/model.safetensors",
        "sparsified": "pruned/engine.json",
    }
    return (out / last.get(stage, f"{stage}/engine.json")).exists()


if __name__ == "__main__":
    main()
