import copy

import pytest
import torch

from model import backends
from model.backends import Backend, attend_by, choose, fault
from tests.model.dits import build_dit, given

CPU = torch.device("cpu")


def test_a_backend_that_is_not_there_says_so_and_another_one_is_taken() -> None:
    if torch.cuda.is_available():
        pytest.skip("a GPU may have it")
    assert fault("native", CPU) is None
    taken = choose("_native_cudnn", CPU)
    assert taken.name == "native"
    assert "_native_cudnn" in str(taken)
    assert taken.refused["_native_cudnn"]
    assert choose("flash", CPU).refused["flash"].startswith("Flash Attention backend 'flash' is not usable")
    assert choose("no-such", CPU).refused == {"no-such": "Backend no-such is not registered."}
    assert choose("auto", CPU) == Backend("native", {})


def test_one_that_computes_rubbish_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "dispatch_attention_fn", lambda query, key, value: 2 * query)
    with pytest.raises(RuntimeError, match="it computes wrong values"):
        choose("auto", CPU)


def test_without_padding_and_mask_the_output_is_the_stock_one() -> None:
    stock, inputs = build_dit(), given(told=[4])
    padded = given(told=[7, 4])
    inputs |= {name: padded[name][1:] for name in ("encoder_hidden_states", "encoder_attention_mask")}
    ours = copy.deepcopy(stock)
    assert str(attend_by(ours)) == "native"
    with torch.inference_mode():
        assert inputs["encoder_attention_mask"].tolist() == [[1, 1, 1, 1, 0, 0, 0]]
        assert torch.allclose(ours(**inputs)[0], stock(**inputs)[0], atol=1e-5)
        with pytest.raises(ValueError, match=r"of one length, not \[7, 4\]"):
            ours(**padded)
