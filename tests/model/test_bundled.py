"""What the shipped weights promise, measured (model.measure) on what training never saw."""

import numpy as np
import pytest
import torch

from model.engine import Engine
from model.evaluate.attributes import attributes, plainly
from model.evaluate.films import COMMANDS, film, photographs
from model.load import WEIGHTS, load_engine
from model.measure import named_camera, named_object, named_scene, psnr
from model.train import textures
from model.windows import Shot
from tests.model.test_words import OUTSIDERS

# Prompts by hand: model/train/prompts.py can't say any of them but the last three.
ASKED = (
    ("Orange background, purple star in the middle.", ("purple", "star", "orange")),
    ("There is a green circle on white ground", ("green", "circle", "white")),
    ("draw me a big yellow triangle on blue, please", ("yellow", "triangle", "blue")),
    ("on a black background, a pink square", ("pink", "square", "black")),
    ("A large red cross, white background, high quality, 4k", ("red", "cross", "white")),
    ("a cyan background with a white star", ("white", "star", "cyan")),
    ("a green canvas with a black triangle painted on it", ("black", "triangle", "green")),
    ("the square is red and the background is yellow", ("red", "square", "yellow")),
    ("Please make me an image of a blue circle over orange", ("blue", "circle", "orange")),
    ("a purple cross floating on a cyan surface", ("purple", "cross", "cyan")),
    ("one pink star, everything else black", ("pink", "star", "black")),
    ("a photo of a small white square lying on purple cloth", ("white", "square", "purple")),
    ("minimalist poster: orange triangle, green background", ("orange", "triangle", "green")),
    ("I would like to see a blue star; the background should be pink", ("blue", "star", "pink")),
    ("crimson disc against a snow-white backdrop", ("red", "circle", "white")),
    ("my logo: a black plus sign on a yellow field", ("black", "cross", "yellow")),
    ("Behind a cyan triangle, nothing but red", ("cyan", "triangle", "red")),
    ("A golden ball in the center of a dark blue wall, the camera zooms in", ("yellow", "circle", "blue")),
    ("green star, purple backdrop, push in slowly", ("green", "star", "purple")),
    ("a turquoise box before an orange wall; tilt up", ("cyan", "square", "orange")),
)

# Scene and command in one prompt, by hand; turns and zooms on a ground on which they can be seen.
FILMED = (
    ("Orange background, a purple star in the middle. The camera pans slowly to the left", "pan left"),
    ("There is a green circle on white ground and we pan to the right", "pan right"),
    ("tilt up; a big yellow triangle on striped blue", "pan up"),
    ("on a black background, a pink square. Camera moves slowly down", "pan down"),
    ("A large red cross, white checkered background, push in", "zoom in"),
    ("a spotted cyan background with a white star, then zoom out slowly", "zoom out"),
    ("a blue square over checkered orange, the picture rotates clockwise", "rotate clockwise"),
    ("camera rolls anticlockwise: a purple cross on a striped yellow surface", "rotate counterclockwise"),
    ("one pink star, everything else black, static camera", "still"),
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

THINGS = (
    ("red", "circle", "blue", "The circle moves to the left", "move left"),
    ("yellow", "star", "purple", "the star slowly moves right", "move right"),
    ("white", "square", "green", "now the square rises", "move up"),
    ("pink", "triangle", "black", "see how the triangle falls", "move down"),
    ("green", "cross", "white", "the cross gets bigger and bigger", "grow"),
    ("blue", "circle", "orange", "The blue circle shrinks slowly.", "shrink"),
    ("orange", "star", "cyan", "the star jumps up and down", "bounce"),
    ("black", "square", "yellow", "the square moves around in circles", "orbit"),
)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine("mini")


def test_the_weights_are_small_enough_to_commit() -> None:
    total = sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file())
    assert total <= 60 * 10**6


@pytest.mark.parametrize("camera", ["pan left", "pan right", "pan up", "pan down", "zoom in", "zoom out"])
def test_the_camera_obeys(engine: Engine, camera: str) -> None:
    """Two seeds on each of the six photographs: 11 of 12, as 9 of 10 would be too few of them."""
    photos = list(photographs().values())
    seen = [
        named_camera(film(engine, photos[seed % 6], COMMANDS[camera], seed, 25)) for seed in range(100, 112)
    ]
    assert seen.count(camera) >= 11, seen


@pytest.mark.parametrize("camera", ["rotate clockwise", "rotate counterclockwise", "still"])
def test_the_camera_turns_and_rests(engine: Engine, camera: str) -> None:
    photos = list(photographs().values())
    seen = [named_camera(film(engine, photos[i], COMMANDS[camera], 100 + i, 25)) for i in range(6)]
    assert seen.count(camera) >= 5, seen


def test_the_camera_obeys_other_peoples_words(engine: Engine) -> None:
    photos = list(photographs().values())
    said = [(phrases[0], camera) for camera, phrases in OUTSIDERS.items()]
    seen = [
        named_camera(film(engine, photos[seed % 6], words, seed, 25)) for seed, (words, _) in enumerate(said)
    ]
    wrong = [(*one, got) for one, got in zip(said, seen, strict=True) if got != one[1]]
    assert len(wrong) <= 1, wrong


@pytest.fixture(scope="module")
def painted(engine: Engine) -> dict[str, object]:
    return attributes(engine, plainly(20))


@pytest.mark.parametrize("what", ["background", "colour", "shape"])
def test_text_gives_what_it_names(painted: dict[str, float], what: str) -> None:
    assert painted[what] >= 0.8


def test_a_picture_is_what_was_asked_for_in_other_words(engine: Engine) -> None:
    """Mostly: each is asked once, so chance decides of some."""
    found = [(prompt, named, named_scene(engine.paint(prompt, seed=7))) for prompt, named in ASKED]
    wrong = [one for one in found if one[1] != one[2]]
    assert len(wrong) <= 3, wrong


def test_the_camera_obeys_the_prompt_that_painted_the_scene(engine: Engine) -> None:
    seen = []
    for seed, (prompt, _) in enumerate(FILMED):
        picture = engine.paint(prompt, seed=seed)
        seen.append(named_camera(film(engine, picture, prompt, seed, 25)))
    wrong = [(*one, got) for one, got in zip(FILMED, seen, strict=True) if got != one[1]]
    assert len(wrong) <= 1, wrong


def test_most_things_do_what_they_are_told(engine: Engine) -> None:
    """On plain and on striped grounds in turn, in words by hand."""
    seen = []
    for seed, (colour, shape, ground, said, thing) in enumerate(THINGS):
        picture = _drawn(colour, shape, ground, ("plain", "striped")[seed % 2])
        seen.append((said, thing, named_object(film(engine, picture, said, seed, 25), colour)))
    wrong = [one for one in seen if one[1] != one[2]]
    assert len(wrong) <= 1, wrong


@pytest.mark.parametrize(
    ("colour", "shape", "ground"), [("red", "star", "blue"), ("yellow", "circle", "green")]
)
def test_what_grows_for_three_seconds_keeps_its_colour(
    engine: Engine, colour: str, shape: str, ground: str
) -> None:
    frames = film(engine, _drawn(colour, shape, ground, "plain"), f"the {shape} grows", 0, 73)
    middles = frames[[0, 48, 72], 120:136, 120:136].astype(float).mean((1, 2))
    assert np.abs(middles[1:] - middles[0]).max() < 50, middles


@pytest.mark.parametrize(
    ("said", "goes_along"),
    [
        ("the star grows", True),
        ("make the red star bigger", True),
        ("the camera zooms in", False),
        ("push in on the star", False),
        ("a red star", False),
    ],
)
def test_the_look_is_held_unless_a_thing_is_told_to_change(
    engine: Engine, said: str, goes_along: bool
) -> None:
    picture = _drawn("red", "star", "blue", "plain")
    first, second = engine.generate([Shot(said, 2.0)], picture, num_frames=49, seed=0)
    assert torch.equal(first.state["look"], second.state["look"]) != goes_along


def _drawn(colour: str, shape: str, ground: str, kind: str) -> np.ndarray:
    """The shape, half as wide as the picture, in its middle."""
    rng = np.random.default_rng(0)
    picture = textures.background(rng, 256, ground, kind)
    sprite = textures.sprite(rng, 128, colour, shape)
    middle, alpha = picture[64:192, 64:192], sprite[..., 3:] / 255.0
    middle[:] = sprite[..., :3] * alpha + middle * (1 - alpha)
    return picture


def test_a_shape_without_a_background_can_be_seen(engine: Engine) -> None:
    prompts = ("a red star", "blue circle", "A big green triangle.", "draw a pink cross", "an orange square")
    seen = [named_scene(engine.paint(prompt, seed=3)) for prompt in prompts]
    assert sum(ground == "white" for _, _, ground in seen) >= 4, seen


@pytest.mark.parametrize(
    ("colour", "shape", "ground"),
    [
        ("red", "circle", "blue"),
        ("green", "square", "white"),
        ("yellow", "triangle", "purple"),
        ("white", "star", "green"),
        ("orange", "cross", "black"),
    ],
)
def test_a_prompt_is_painted_with_most_seeds(engine: Engine, colour: str, shape: str, ground: str) -> None:
    prompt = f"a {colour} {shape} on a {ground} background"
    seen = [named_scene(engine.paint(prompt, seed=seed)) for seed in range(10)]
    assert seen.count((colour, shape, ground)) >= 8, seen


def test_the_first_frame_is_the_photograph(engine: Engine) -> None:
    found = {
        name: psnr(photo, film(engine, photo, "zoom in", 1, 1)[0]) for name, photo in photographs().items()
    }
    assert min(found.values()) >= 27, found


def test_frames_move_without_a_jump_at_a_windows_edge(engine: Engine) -> None:
    """The step over an edge is no larger than the largest inside the windows, by a margin."""
    frames = film(engine, photographs()["coffee"], COMMANDS["pan left"], 1, 73).astype(np.float32)
    steps = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3))
    inside = np.delete(steps, [0, 24, 48])  # frame 0 is the picture itself, the rest is made
    assert max(steps[24], steps[48]) <= 1.5 * inside.max()
