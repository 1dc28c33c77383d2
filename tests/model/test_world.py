"""The world shows what its captions say, as the measurements see it: each of the two checks the other."""

from dataclasses import replace

import numpy as np
import pytest

from model.measure import named_camera, named_object, named_scene
from model.train import captions, motion, textures, tokenizer
from model.train.world import World


def test_one_seed_gives_one_world() -> None:
    first, second, other = World(5), World(5), World(6)
    for _ in range(3):
        a, b = first.clip(5), second.clip(5)
        assert a.caption == b.caption
        assert np.array_equal(a.frames, b.frames)
    assert not np.array_equal(other.clip(5).frames, World(5).clip(5).frames)


def test_the_camera_moves_as_named() -> None:
    world = World(11, canvases=8)
    clips = [world.nature(13) for _ in range(18)]
    wrong = [(clip.camera, seen) for clip in clips if (seen := named_camera(clip.frames)) != clip.camera]
    assert not wrong


def test_things_move_as_named_and_not_with_the_camera() -> None:
    world = World(11, scenes=1.0)
    clips = [world.clip(25) for _ in range(40)]
    wanted = [clip.thing if clip.camera == "still" else "" for clip in clips]
    seen = [named_object(clip.frames, clip.colour) for clip in clips]
    assert len(set(wanted)) >= 7
    wrong = [one for one in zip(wanted, seen, strict=True) if one[0] != one[1]]
    assert len(wrong) <= 1, wrong


def test_what_moves_at_half_the_pace_still_moves_as_named() -> None:
    world = World(3, scenes=1.0, moving=1.0)
    clips = {clip.thing: clip for clip in (world.clip(25) for _ in range(40))}
    for thing in ("move left", "move right", "move up", "move down", "grow", "shrink"):
        clip = clips[thing]
        assert named_object(np.repeat(clip.frames[:13], 2, axis=0)[:25], clip.colour) == thing
        assert named_object(np.repeat(clip.frames[:1], 25, axis=0), clip.colour) == "still"


def test_a_world_of_some_motions_has_no_others() -> None:
    world = World(3, scenes=1.0, moving=1.0, things=("grow", "still"))
    assert {world.clip(1).thing for _ in range(20)} == {"grow", "still"}


def test_half_of_the_cycles_begin_where_their_cycle_does() -> None:
    world = World(8, scenes=1.0, moving=1.0, things=("bounce",))
    clips = [world.clip(25) for _ in range(96)]
    begun = [clip for clip in clips if not clip.midway]
    assert 0.4 <= len(begun) / len(clips) <= 0.6
    for clip in begun:
        middles = [_middle_row(frame, clip.colour) for frame in clip.frames[::4]]
        assert middles[0] >= max(middles) - 1  # rows count downwards: it begins on the ground


def _middle_row(frame: np.ndarray, colour: str) -> float:
    far = np.abs(frame.astype(int) - textures.COLOURS[colour]).sum(-1)
    return float(np.nonzero(far < 90)[0].mean())


def test_pictures_hold_the_named_colour_and_shape() -> None:
    rng, hits = np.random.default_rng(3), []
    for _ in range(20):
        colour, ground = rng.choice(list(textures.COLOURS), 2, replace=False)
        shape = textures.SHAPES[int(rng.integers(len(textures.SHAPES)))]
        picture = textures.background(rng, 256, ground, "plain")
        drawn = textures.sprite(rng, 192, colour, shape)
        alpha = drawn[..., 3:] / 255.0
        picture[32:224, 32:224] = (drawn[..., :3] * alpha + picture[32:224, 32:224] * (1 - alpha)).astype(
            np.uint8
        )
        hits.append(named_scene(picture) == (colour, shape, ground))
    assert np.mean(hits) >= 0.9


@pytest.mark.parametrize(
    ("camera", "point", "moved"),
    [
        ("pan left", (0, 0), (1, 0)),  # the camera turns left: content moves right
        ("pan right", (0, 0), (-1, 0)),
        ("pan up", (0, 0), (0, 1)),  # the camera turns up: content moves down
        ("pan down", (0, 0), (0, -1)),
        ("zoom in", (10, 0), (1, 0)),  # content grows
        ("zoom out", (10, 0), (-1, 0)),
        ("rotate clockwise", (10, 0), (0, -1)),  # the camera turns clockwise: content turns back
        ("rotate counterclockwise", (10, 0), (0, 1)),
        ("still", (10, 5), (0, 0)),
    ],
)
def test_camera_words(camera: str, point: tuple[int, int], moved: tuple[int, int]) -> None:
    before = np.array([*point, 1.0])
    after = motion.camera_path(camera, 5) @ before
    assert np.sign(np.round(after[:2] - before[:2], 1)).tolist() == list(moved)


def test_every_word_of_the_grammar_is_known() -> None:
    world, words = World(2, canvases=2), tokenizer.build(48)
    for _ in range(60):
        caption = world.clip(1).caption.replace(captions.UNKNOWN, "")
        assert words.unk_token_id not in words(caption)["input_ids"], caption


def test_unknown_words_stay_countable() -> None:
    words = tokenizer.build(48)
    ids = words("A Quokka on red sand")["input_ids"]
    assert ids.count(words.unk_token_id) == 2
    assert len(words("word " * 500, truncation=True)["input_ids"]) == 48


def test_a_stage_chooses_what_the_world_shows() -> None:
    world = World(0, canvases=1, size=32, scenes=0.0, turned=1.0)
    clips = [world.clip(1) for _ in range(24)]
    assert {clip.camera for clip in clips} == {
        "zoom in",
        "zoom out",
        "rotate clockwise",
        "rotate counterclockwise",
    }
    world = World(0, canvases=1, size=32, scenes=0.0, turned=0.0)
    assert not any(world.clip(1).camera.startswith(("zoom", "rotate")) for _ in range(24))
    world = World(0, canvases=1, size=32, scenes=1.0)
    assert all(world.clip(1).shape for _ in range(8))


def test_a_posed_shape_rests_in_the_middle() -> None:
    world, right = World(0, posed=True), 0
    for _ in range(24):
        colour, shape, _ = named_scene((clip := world.scene(2)).frames[0])
        assert colour == clip.colour
        assert np.array_equal(*clip.frames)
        right += shape == clip.shape
    assert right >= 23  # an orange cross on yellow stripes measures as a circle


def test_grown_scenes_have_two_shapes_or_two_motions() -> None:
    world, words = World(4, size=128, scenes=1.0, grown=1.0), tokenizer.build(48)
    clips = [world.clip(5) for _ in range(40)]
    assert sum(" in front of a " in clip.caption or " behind a " in clip.caption for clip in clips) >= 8
    both = [clip for clip in clips if "still" not in (clip.camera, clip.thing)]
    assert len(both) >= 20
    for clip in both:
        way = clip.thing.partition(" ")[2]
        assert way in clip.caption
        assert not np.array_equal(clip.frames[0], clip.frames[4])
    assert words.unk_token_id not in words([clip.caption for clip in clips])["input_ids"][0]


def test_of_two_shapes_the_nearer_hides_the_other() -> None:
    world = World(9, size=128)
    near, far = (world._actor(colour, "square", "still") for colour in ("red", "blue"))
    there = replace(far, home=near.home)
    ground = np.full((512, 512, 3), 255, np.uint8)
    alone, hidden, shown = (
        world._film(ground, actors, "still", 1)[0].astype(int)
        for actors in ([near], [replace(there, reach=0.8 * near.reach), near], [near, there])
    )
    assert np.array_equal(alone, hidden)
    assert (shown[..., 2] > shown[..., 0] + 50).sum() > 1000  # blue, where red was
