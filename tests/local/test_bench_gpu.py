"""`magic141 bench gpu` where there is no GPU: it runs, and says what it could not run and why."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from model import bench_gpu
from model.bench_gpu import Bench, Setting, settings
from model.random_parts import REDUCED, build_transformer
from model.tiles import Tiling
from worker.cli import main

ROWS = "dense-bf16-81,sparse-bf16-81,*-fp8-81,overlap-*-81,stock-bf16-81"
pytestmark = [
    pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU it takes minutes"),
    # diffusers and transformers warn of their own ways.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture
def smaller(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A quarter of the tokens, and one thread: what else runs on a machine slows several down much more."""
    tiling = Tiling((6, 2, 2), (1, 1, 1))
    monkeypatch.setattr(bench_gpu, "REDUCED", replace(REDUCED, width=64, height=32, tiling=tiling))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("smaller")
def test_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "gpu", "--json", "--no-quality", "--rows", ROWS]) == 0
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert report["machine"]["gpu"] is None
    assert report["machine"]["cpu"]
    assert "no CUDA device" in report["why_this_scale"]
    rows = {row["row"]: row for row in report["rows"]}
    assert len(rows) == 6
    for name in ("dense-fp8-81", "sparse-fp8-81", "overlap-bf16-81"):
        assert "CUDA device" in rows[name]["not_run"]
        assert "step_ms" not in rows[name]
    dense, sparse, stock = (rows[f"{name}-bf16-81"] for name in ("dense", "sparse", "stock"))
    assert sparse["density"] < 0.9 < dense["density"] == stock["density"] == 1
    assert sparse["gflop"] < dense["gflop"] == stock["gflop"]
    assert sparse["backend"].startswith("dense with the mask written out")
    for row in (dense, sparse, stock):
        # All three are rounded, and the fewer milliseconds a step takes the more that is.
        least = (row["gflop"] - 0.05) / (row["step_ms"] + 0.05)
        most = (row["gflop"] + 0.05) / max(row["step_ms"] - 0.05, 1e-3)
        assert least - 0.001 <= row["tflops"] <= most + 0.001
        assert row["peak_memory_gib"] is None  # nothing here measures a CPU's
    stages = {stage["row"]: stage["seconds"] for stage in report["stages"]}
    parts = stages["condition"] + stages["encode"] + stages["decode-81"]
    assert dense["clip_seconds"] == pytest.approx(parts + 4 * dense["step_ms"] / 1000, abs=0.01)
    assert dense["realtime_factor"] == pytest.approx(dense["clip_seconds"] * 24 / 81, abs=0.01)
    assert "sparse-bf16-81: " in said.err


def test_the_time_is_kept_and_every_setting_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [setting.name for setting in settings()]
    assert len(set(names)) == len(names)
    assert {
        f"{a}-{p}-{f}" for a in ("dense", "sparse") for p in ("bf16", "fp8", "int8") for f in (81, 121)
    } < {*names}

    def broken(self: Bench, setting: Setting) -> dict[str, object]:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Bench, "row", broken)
    monkeypatch.setattr(bench_gpu, "forget", lambda device: None)
    monkeypatch.setattr(Bench, "stage", lambda self, name: {"seconds": 1.0})
    monkeypatch.setattr(bench_gpu, "matmul_rate", lambda kind, device: 1e12)
    report = bench_gpu.measure(rows="*", say=lambda line: None)
    assert {row["not_run"] for row in report["rows"]} == {"OutOfMemoryError: CUDA out of memory"}
    spent = bench_gpu.measure(rows="dense-*", minutes=0.0, say=lambda line: None)
    assert {row["not_run"] for row in spent["rows"]} == {"the 0 minutes were spent"}


def test_rows_run_on_the_same_weights() -> None:
    one, other = (build_transformer(REDUCED, torch.device("cpu")) for _ in range(2))
    for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)
