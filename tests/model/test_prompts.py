"""Pictures as people ask for them."""

import re

import numpy as np

from model.train import captions, motion, prompts, tokenizer
from model.train.textures import COLOURS, SHAPES


def drawn(count: int, grounded: float = 0.92) -> list[prompts.Asked]:
    rng = np.random.default_rng(0)
    return [prompts.picture(rng, grounded=grounded) for _ in range(count)]


def test_every_prompt_is_of_known_words_but_for_the_strangers_in_it() -> None:
    words = tokenizer.build(48)
    for asked in drawn(1000):
        told = asked.said.replace(captions.UNKNOWN, "")
        assert words.unk_token_id not in words(told)["input_ids"], told


def test_every_motion_is_commanded_and_never_two() -> None:
    seen = drawn(1500)
    assert {asked.camera for asked in seen} == set(motion.CAMERA)
    assert {asked.thing for asked in seen} == set(motion.OBJECT)
    assert all("still" in (asked.camera, asked.thing) for asked in seen)


def test_a_kind_of_background_is_named_unless_it_is_plain() -> None:
    for asked in drawn(600):
        names = (asked.kind, *prompts.ALSO.get(asked.kind, ()))
        assert asked.kind == "plain" or any(name in asked.said for name in names), asked


def test_what_no_grammar_joins_names_two_colours_all_the_same() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        said = prompts._in_no_grammar(rng, "a {c} {s}", "{g}")
        assert sorted(re.findall(r"{\w}", said)) == ["{c}", "{g}", "{s}"]
        between = re.split(r"a {c} {s},?|{g},?", said)[1]
        assert between.strip(), said  # never side by side


def test_no_other_name_stands_for_two_things() -> None:
    names = [name for also in prompts.ALSO.values() for name in also]
    assert len(names) == len(set(names))
    assert not set(names) & {*COLOURS, *SHAPES}


def test_what_is_named_is_said() -> None:
    """By its own name or another's: none is left out, whatever the template."""
    for asked in drawn(1000, grounded=1.0):
        told = asked.said.replace(f"{captions.UNKNOWN} ", "").replace(f" {captions.UNKNOWN}", "")
        for one in asked.named:
            assert any(name in told for name in (one, *prompts.ALSO[one])), (one, asked.said)


def test_a_shape_without_a_background_is_not_on_its_own_colour() -> None:
    for asked in drawn(300, grounded=0.0):
        colour, _, ground = asked.named
        assert ground == ("black" if colour == "white" else "white")
        assert not any(word in asked.said for word in ("background", "backdrop", " on ", "canvas"))


def test_both_orders_and_commands_are_drawn() -> None:
    seen = drawn(600)
    both = [(asked.said.find(asked.named[1]), asked.said.find(asked.named[2])) for asked in seen]
    orders = [ground < shape for shape, ground in both if min(shape, ground) >= 0]
    assert len(orders) > 100
    assert 0.2 < np.mean(orders) < 0.7  # the background is named first
    told = [asked for asked in seen if asked.camera != "zoom in" and asked.thing == "still"]
    assert 0.25 < len(told) / len(seen) < 0.42
