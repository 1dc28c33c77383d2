"""Does text-to-image paint what it is told?"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from model.engine import Engine
from model.evaluate.films import HELD_OUT_SEED
from model.measure import named_scene
from model.train import prompts
from model.train.textures import COLOURS, SHAPES

Asked = tuple[str, tuple[str, str, str]]  # a prompt; the colour, the shape and the background's colour in it


def plainly(count: int) -> Iterator[Asked]:
    """Prompts in the world's own plain words."""
    rng = np.random.default_rng(HELD_OUT_SEED)
    for _ in range(count):
        colour, ground = rng.choice(list(COLOURS), 2, replace=False).tolist()
        shape = SHAPES[int(rng.integers(len(SHAPES)))]
        yield f"a {colour} {shape} on a {ground} background", (colour, shape, ground)


def by_people(count: int) -> Iterator[Asked]:
    """Prompts as people ask for pictures (prompts.py), drawn anew; on plain grounds, as stripes and spots
    mislead the measure."""
    rng = np.random.default_rng(HELD_OUT_SEED + 4)
    for _ in range(count):
        asked = prompts.picture(rng, patterned=0.0)
        yield asked.said, asked.named


def attributes(engine: Engine, asked: Iterable[Asked], strips: Path | None = None) -> dict[str, object]:
    """Shares of the pictures whose colour, shape and background are those of the prompt, by measurement;
    picture i has seed i. `strips` is a file for the first forty, side by side."""
    hits, pictures = [], []
    for seed, (prompt, named) in enumerate(tqdm(list(asked), desc="text-to-image")):
        picture = engine.paint(prompt, seed=seed)
        hits.append([seen == wanted for seen, wanted in zip(named_scene(picture), named, strict=True)])
        pictures.append(picture)
    if strips is not None:
        strips.parent.mkdir(parents=True, exist_ok=True)
        rows = [np.hstack(pictures[i : i + 8]) for i in range(0, len(pictures) // 8 * 8, 8)][:5]
        cv2.imwrite(str(strips), np.vstack(rows)[::2, ::2, ::-1])
    colours, shapes, grounds = np.mean(hits, axis=0).round(3).tolist()
    return {
        "colour": colours,
        "shape": shapes,
        "background": grounds,
        "all": round(float(np.mean([all(h) for h in hits])), 3),
        "pictures": len(hits),
    }
