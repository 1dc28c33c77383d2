"""Other words for what the model knows: how they are drawn, and that the bundled text encoder knows them."""


import numpy as np
import pytest

from model.conditioning import Conditioner
from model.evaluate.words import PLAIN, nearest, understood
from model.families.mini import MiniFamily
from model.load import load_engine
from model.train import commands, motion, tokenizer, verbs, wordings

# Sentences by hand. In 17 of the 27 the command itself is a phrase of wordings.py or of the grammar, in other
# company; in ten ("rotate the picture clockwise") it is not.
OUTSIDERS = {
    "pan left": (
        "a cat asleep on a sofa, with the camera panning gently over to the left side",
        "Please move the view left.",
        "pan the shot left across the harbour",
    ),
    "pan right": (
        "Camera pans slowly right over snowy mountains at dawn",
        "slide right along the street",
        "a market in Marrakesh; we look to the right",
    ),
    "pan up": (
        "tilt up to reveal the tower",
        "the camera slowly moves up the wall",
        "an old oak, panning up along the trunk",
    ),
    "pan down": (
        "tilt the view down to the cobblestones",
        "the camera moves slowly down",
        "pan down from the roof",
    ),
    "zoom in": (
        "slowly zooming in on her face",
        "push in on the cup of coffee",
        "the camera keeps moving closer to the castle",
    ),
    "zoom out": (
        "zoom out to show the whole valley",
        "pull back from the window",
        "the camera slowly moves away from the rocket",
    ),
    "rotate clockwise": (
        "rotate the picture clockwise",
        "the camera spins slowly clockwise above the table",
        "a clockwise roll over the city at night",
    ),
    "rotate counterclockwise": (
        "rotate the picture counterclockwise",
        "the camera rolls slowly anticlockwise above the table",
        "turn it counter-clockwise, please",
    ),
    "still": (
        "a lighthouse, static camera, nothing moves",
        "keep the camera still",
        "fixed shot of a bowl of fruit, no camera movement at all",
    ),
}

# By hand, written before verbs.py, which can say 15 of the 24.
ABOUT_THINGS = {
    "move left": (
        "watch the ball roll off to the left",
        "the red box slides slowly over to the left side",
        "make the star travel left",
    ),
    "move right": (
        "the disc drifts gently towards the right edge",
        "a cube moving to the right, very slowly",
        "push the cross to the right",
    ),
    "move up": (
        "the circle floats upward like a balloon",
        "let the square climb to the top",
        "the star goes straight up",
    ),
    "move down": (
        "the ball is dropping down to the ground",
        "the triangle sinks slowly to the bottom",
        "let the cross fall",
    ),
    "bounce": (
        "a ball hopping up and down on the spot",
        "the cube keeps jumping",
        "make the star bounce",
    ),
    "grow": (
        "the dot swells until it is huge",
        "the triangle keeps getting bigger",
        "enlarge the box",
    ),
    "shrink": (
        "the ball gets smaller and smaller",
        "the star is becoming tiny",
        "it slowly shrinks away",
    ),
    "orbit": (
        "the disc goes round and round",
        "let the cross circle around the middle",
        "the triangle travels in circles",
    ),
}


@pytest.fixture(scope="module")
def bundled() -> Conditioner:
    family = load_engine("mini").family
    assert isinstance(family, MiniFamily)
    return family.conditioner


def test_every_wording_is_of_known_words() -> None:
    words = tokenizer.build(48)
    said = [*wordings.wordings(), *(sentence for sentence, _ in verbs.wordings())]
    for phrase, ids in zip(said, words(said)["input_ids"], strict=True):
        assert words.unk_token_id not in ids, phrase


def test_no_wording_names_two_motions() -> None:
    seen: dict[str, str] = {}
    of_cameras = ((phrase, camera) for camera, phrases in wordings.CAMERA.items() for phrase in phrases)
    for phrase, moves in (*of_cameras, *verbs.wordings()):
        assert seen.setdefault(phrase, moves) == moves, phrase


def test_a_thing_is_told_what_it_is_called_or_it() -> None:
    rng = np.random.default_rng(0)
    drawn = [(thing, verbs.said(rng, thing, "ball")) for thing in motion.OBJECT for _ in range(200)]
    named = [("ball" in said.split(), "it" in said.split()) for _, said in drawn]
    assert all(ball or it for ball, it in named)
    assert 0.02 < np.mean([it and not ball for ball, it in named]) < 0.12


def test_commands_are_short_and_long_and_of_every_motion() -> None:
    rng = np.random.default_rng(0)
    drawn = [commands.of_people(rng) for _ in range(600)]
    assert {camera for _, camera in drawn} == set(motion.CAMERA)
    lengths = [len(said.split()) for said, _ in drawn]
    assert min(lengths) <= 2
    assert max(lengths) >= 30
    meant = {camera for said, camera in drawn if "anticlockwise" in said}
    assert meant == {"rotate counterclockwise"}


def test_the_bundled_encoder_understands_commands(bundled: Conditioner) -> None:
    found = understood(bundled, 500)
    assert found["the_worlds"] >= 0.97
    assert found["peoples"] >= 0.97
    assert found["things"] >= 0.93


def test_the_bundled_encoder_understands_outsiders(bundled: Conditioner) -> None:
    said = [(words, camera) for camera, phrases in OUTSIDERS.items() for words in phrases]
    taken = nearest(bundled, [words for words, _ in said])
    wrong = [(words, one) for (words, camera), one in zip(said, taken, strict=True) if one != camera]
    assert len(wrong) <= 2, wrong


def test_the_bundled_encoder_understands_sentences_about_things(bundled: Conditioner) -> None:
    said = [(words, thing) for thing, sentences in ABOUT_THINGS.items() for words in sentences]
    taken = nearest(bundled, [words for words, _ in said], PLAIN)
    wrong = [(words, one) for (words, thing), one in zip(said, taken, strict=True) if one != thing]
    assert len(wrong) <= 2, wrong


def test_a_picture_without_a_command_is_zoomed_into(bundled: Conditioner) -> None:
    assert nearest(bundled, ["a quiet harbour at dusk", "two old boats"]) == ["zoom in", "zoom in"]
