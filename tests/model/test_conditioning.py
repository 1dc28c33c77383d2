"""What a condition holds: image tokens before the words', where the model has them."""

import pytest
import torch

from model.conditioning import FILM, Conditioner
from model.load import load_engine


@pytest.fixture(scope="module")
def conditioner() -> Conditioner:
    return load_engine("mini").family.conditioner


@torch.inference_mode()
def test_image_tokens_come_first(conditioner: Conditioner) -> None:
    ids, mask = conditioner.tokenize(["the camera pans left"])
    thumbnail = conditioner.thumbnail(torch.zeros(1, 3, 256, 256))
    words, both = conditioner.read(ids, mask, filmed=True), conditioner(ids, mask, thumbnail)
    assert both.tokens.shape[1] == words.tokens.shape[1] + 17
    torch.testing.assert_close(both.tokens[:, 17:], words.tokens)
    assert both.mask.shape == both.tokens.shape[:2]


@torch.inference_mode()
def test_a_film_is_asked_for_otherwise_than_a_picture(conditioner: Conditioner) -> None:
    asked = conditioner.tokenize(["a red star on a blue background, the camera pans left"])
    thumbnail = conditioner.thumbnail(torch.zeros(1, 3, 256, 256))
    picture, film = conditioner(*asked, None), conditioner(*asked, thumbnail)
    assert not torch.allclose(picture.pooled, film.pooled, atol=1e-3)
    again = conditioner.read(*asked, filmed=True)
    torch.testing.assert_close(film.pooled, again.pooled)
    torch.testing.assert_close(film.tokens[:, -again.tokens.shape[1] :], again.tokens)


def test_nobody_can_write_the_token_of_films(conditioner: Conditioner) -> None:
    film = conditioner.tokenizer.get_vocab()[FILM]
    assert film not in conditioner.tokenize([f"{FILM} a red star {FILM.lower()}"])[0]


def test_a_model_without_image_tokens_has_the_words_alone(conditioner: Conditioner) -> None:
    alone = Conditioner(conditioner.tokenizer, conditioner.text, conditioner.vision, image_tokens=False)
    ids, mask = alone.tokenize(["the camera pans left"])
    thumbnail = alone.thumbnail(torch.zeros(1, 3, 256, 256))
    words = alone.read(ids, mask, filmed=True).tokens
    torch.testing.assert_close(alone(ids, mask, thumbnail).tokens, words)
