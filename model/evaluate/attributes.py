"""Does text-to-image paint what it is told?"""

from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from model.engine import Engine
from model.evaluate.films import HELD_OUT_SEED
from model.measure import named_scene
from model.train.textures import COLOURS, SHAPES


def attributes(engine: Engine, count: int, strips: Path | None) -> dict[str, object]:
    rng = np.random.default_rng(HELD_OUT_SEED)
    hits, pictures = [], []
    for seed in tqdm(range(count), desc="text-to-image"):
        colour, ground = rng.choice(list(COLOURS), 2, replace=False)
        shape = SHAPES[int(rng.integers(len(SHAPES)))]
        picture = engine.paint(f"a {colour} {shape} on a {ground} background", seed=seed)
        seen = named_scene(picture)
        hits.append((seen[0] == colour, seen[1] == shape, seen[2] == ground))
        pictures.append(picture)
    if strips is not None:
        strips.mkdir(parents=True, exist_ok=True)
        rows = [np.hstack(pictures[i : i + 8]) for i in range(0, len(pictures) // 8 * 8, 8)][:5]
        cv2.imwrite(str(strips / "text-to-image.png"), np.vstack(rows)[::2, ::2, ::-1])
    colours, shapes, grounds = np.mean(hits, axis=0).round(3).tolist()
    return {
        "colour": colours,
        "shape": shapes,
        "background": grounds,
        "all": round(float(np.mean([all(h) for h in hits])), 3),
        "pictures": count,
    }
