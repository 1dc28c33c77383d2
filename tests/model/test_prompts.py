"""Pictures as people ask for them."""

import re

import numpy as np

from model.families.mini import MiniFamily
from model.train import captions, prompts, tokenizer
from model.train.textures import COLOURS, SHAPES
from model.train.words import start_as_another
from tests.tiny import build_engine


def drawn(count: int) -> list[tuple[str, str, tuple[str, str, str]]]:
    rng = np.random.default_rng(0)
    return [prompts.picture(rng) for _ in range(count)]


def test_every_prompt_is_of_known_words_but_for_the_strangers_in_it() -> None:
    words = tokenizer.build(48)
    for said, meant, _ in drawn(1000):
        told = said.replace(captions.UNKNOWN, "")
        assert words.unk_token_id not in words(told)["input_ids"], said
        assert words.unk_token_id not in words(meant)["input_ids"], meant


def test_what_is_meant_is_the_plain_caption_of_what_is_named() -> None:
    for _, meant, (colour, shape, ground) in drawn(300):
        pattern = rf"an? {colour} {shape} on an? (\w+ )?{ground} background(, the camera .*)?"
        assert re.fullmatch(pattern, meant), meant
        assert not re.search(r"\ba orange", meant)


def test_no_other_name_stands_for_two_things() -> None:
    names = [name for also in prompts.ALSO.values() for name in also]
    assert len(names) == len(set(names))
    assert not set(names) & {*COLOURS, *SHAPES}


def test_what_is_named_is_said() -> None:
    """By its own name or another's: none is left out, whatever the template."""
    for said, _, named in drawn(1000):
        told = said.replace(f"{captions.UNKNOWN} ", "").replace(f" {captions.UNKNOWN}", "")
        for one in named:
            assert any(name in told for name in (one, *prompts.ALSO[one])), (one, said)


def test_both_orders_and_commands_are_drawn() -> None:
    seen = drawn(600)
    both = [(said.find(shape), said.find(ground)) for said, _, (_, shape, ground) in seen]
    orders = [ground < shape for shape, ground in both if min(shape, ground) >= 0]
    assert len(orders) > 100
    assert 0.2 < np.mean(orders) < 0.7  # the background is named first
    told = [meant for _, meant, _ in seen if "the camera" in meant]
    assert 0.25 < len(told) / len(seen) < 0.42


def test_another_name_starts_as_the_word_it_stands_for() -> None:
    family = build_engine().family
    assert isinstance(family, MiniFamily)
    conditioner = family.conditioner

    def pooled(said: str) -> np.ndarray:
        return conditioner(*conditioner.tokenize([said]), None).pooled[0].detach().numpy()

    plain = pooled("a red circle on a blue background")
    assert not np.allclose(pooled("a crimson disc on a navy background"), plain, atol=1e-4)
    start_as_another(conditioner)
    assert np.allclose(pooled("a crimson disc on a navy background"), plain, atol=1e-4)
    assert np.allclose(pooled("a red circle on a blue background"), plain, atol=1e-6)  # itself as it was
