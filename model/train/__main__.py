"""python -m model.train {autoencoder,dit,all} [--scale full|smoke] [--out FOLDER] [--minutes M]"""

import argparse
import dataclasses
from pathlib import Path

import torch

from model.train import autoencoder, dit
from model.train.recipe import RECIPES


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m model.train", description="Trains the bundled model from nothing."
    )
    parser.add_argument("stage", choices=("autoencoder", "dit", "all"))
    parser.add_argument("--scale", choices=tuple(RECIPES), default="full")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/mini"), help="folder for weights and checkpoints"
    )
    parser.add_argument(
        "--minutes", type=float, help="end the DiT's training by the clock, should its steps take longer"
    )
    parser.add_argument(
        "--weights-from", type=Path, help="start the DiT from these weights, not from nothing"
    )
    args = parser.parse_args()
    recipe = RECIPES[args.scale]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if args.stage in ("autoencoder", "all"):
        autoencoder.train(args.out, **dataclasses.asdict(recipe.autoencoder), seed=recipe.seed, device=device)
    if args.stage in ("dit", "all"):
        dit.train(
            args.out,
            recipe.dit,
            seed=recipe.seed + 1,
            device=device,
            minutes=args.minutes,
            weights_from=args.weights_from,
        )


if __name__ == "__main__":
    main()
