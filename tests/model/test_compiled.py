"""That compiled code survives its process; what it computes is checked with each attention."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from model.compiled import begin_compiled, compile_blocks, keep_compiled
from tests.model.dits import build_dit, given

pytestmark = [
    pytest.mark.skipif(shutil.which("g++") is None, reason="compiling for a CPU needs g++"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # inductor's own
]


def test_what_was_compiled_is_begun_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "first"))
    compiled = torch.compile(lambda x: x.sin() + 1, fullgraph=True)
    compiled(torch.ones(64))
    assert keep_compiled(tmp_path / "kept") == (tmp_path / "kept").stat().st_size > 0
    torch._dynamo.reset()
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "second"))
    assert not begin_compiled(tmp_path / "not-there")
    assert begin_compiled(tmp_path / "kept")
    torch._dynamo.utils.counters.clear()
    assert torch.allclose(compiled(torch.ones(64)), torch.ones(64).sin() + 1)
    assert torch._dynamo.utils.counters["aot_autograd"]["autograd_cache_hit"] == 1


def test_blocks_are_what_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a backend that compiles nothing, so that it takes no time."""
    seen = []

    def backend(graph, inputs):
        seen.append(graph)
        return graph.forward

    real = nn.Module.compile
    monkeypatch.setattr(
        nn.Module,
        "compile",
        lambda self, **options: real(self, fullgraph=options["fullgraph"], backend=backend),
    )
    torch._dynamo.reset()
    stock, blocks = build_dit(), build_dit()
    compile_blocks(blocks)
    with torch.inference_mode():
        assert torch.allclose(blocks(**given())[0], stock(**given())[0], atol=1e-5)
    assert 2 <= len(seen) <= 3  # two kinds of block, of which one has its input laid out in two ways
