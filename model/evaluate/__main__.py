"""python -m model.evaluate [--model mini] [--steps N] [--seeds 10] [--json FILE] [--strips FOLDER]: does the
model do what it is told?

Motion: pictures of a world whose seed training never used, and natural photographs (from scikit-image and
scikit-learn, extra `test`), each under every camera word; a video counts when the measured motion is the
commanded one. Objects: likewise, of shapes that are to move. Words: commands as the world and as people word
them, asked of the text encoder alone. Attributes: text-to-image of the grammar; colour, shape and background
must all be right. Text-to-video: a picture and its film by one prompt, that names a scene and commands the
camera. First frames: PSNR to the photograph under "the camera is still"; frame 0 is the photograph, frame 1
the first that the model makes. Held-out clips: the model goes on from a clip's first frame by its caption,
and what it makes is compared with the clip. Drift: three photographs for a minute, panning and still. A count
of 0 leaves its part out.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from model.evaluate.attributes import attributes, by_people, plainly
from model.evaluate.cost import cost
from model.evaluate.drift import anchor, drift
from model.evaluate.films import COMMANDS, HELD_OUT_SEED, fidelity, film, photographs
from model.evaluate.held_out import held_out
from model.evaluate.motion import motion
from model.evaluate.objects import objects
from model.evaluate.text_to_video import text_to_video
from model.evaluate.words import understood
from model.families.mini import MiniFamily
from model.load import folder_of, load_engine
from model.measure import flicker
from model.train.world import World

DRIFTING = ("coffee", "china", "chelsea")
WORDS = 1000  # commands that are asked of the text encoder


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m model.evaluate", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="mini")
    parser.add_argument("--steps", type=int, help="Euler steps a window, in place of the model's own")
    parser.add_argument("--image-steps", type=int, help="steps of a picture, likewise")
    parser.add_argument("--context", type=int, help="latent frames a later window goes on from, likewise")
    parser.add_argument(
        "--anchor", action="store_true", help="every window's image tokens are the first picture's"
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--clips", type=int, default=64, help="held-out clips")
    parser.add_argument("--pictures", type=int, default=100, help="text-to-image pictures")
    parser.add_argument(
        "--objects", type=int, default=64, help="films of shapes that are to move, and as many as people ask"
    )
    parser.add_argument("--prompts", type=int, default=72, help="text-to-video prompts")
    parser.add_argument("--drift-seconds", type=int, default=60)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--strips", type=Path)
    args = parser.parse_args()
    engine = load_engine(args.model)
    changes = {
        "video_steps": args.steps,
        "image_steps": args.image_steps,
        "context_latents": args.context,
    }
    engine.config = replace(engine.config, **{name: value for name, value in changes.items() if value})
    if args.anchor:
        anchor(engine)
    photos = photographs()
    world = World(HELD_OUT_SEED)
    made = {f"world-{i}": world.nature(1).frames[0] for i in range(2)} | {
        f"scene-{i}": world.scene(1).frames[0] for i in range(2)
    }
    still = {name: film(engine, photo, COMMANDS["still"], 0, 25) for name, photo in photos.items()}
    report: dict[str, object] = {
        "model": engine.describe(),
        "cost": cost(engine, folder_of(args.model), photos["coffee"]),
        "first_frame_psnr_db": {name: fidelity(photos[name], still[name][0]) for name in photos},
        "second_frame_psnr_db": {name: fidelity(photos[name], still[name][1]) for name in photos},
        "flicker_of_a_still": {name: round(flicker(frames[1:]), 3) for name, frames in still.items()},
    }
    if args.seeds:
        report["motion_photographs"] = motion(engine, photos, args.seeds, args.strips)
        report["motion_world"] = motion(engine, made, args.seeds, args.strips)
    if args.objects:
        report["motion_objects"] = objects(engine, args.objects)
        report["motion_objects_by_people"] = objects(engine, args.objects, by_people=True)
    if isinstance(engine.family, MiniFamily):
        report["words"] = understood(engine.family.conditioner, WORDS)
    if args.clips:
        report["held_out"] = held_out(engine, args.clips)
    if args.pictures:
        strip = None if args.strips is None else args.strips / "text-to-image.png"
        report["text_to_image"] = attributes(engine, plainly(args.pictures), strip)
        report["text_to_image_by_people"] = attributes(engine, by_people(args.pictures))
    if args.prompts:
        report["text_to_video"] = text_to_video(engine, args.prompts)
    if args.drift_seconds:
        long = {name: photos[name] for name in DRIFTING}
        report["drift"] = drift(engine, long, COMMANDS["pan left"], args.drift_seconds)
        report["drift_of_a_still"] = drift(engine, long, COMMANDS["still"], args.drift_seconds)
    text = json.dumps(report, indent=2)
    print(text)
    if args.json:
        args.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
