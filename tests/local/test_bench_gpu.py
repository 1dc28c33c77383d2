"""`magic141 bench gpu` where there is no GPU: it runs, and says what it could not run and why."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model import bench_gpu, bench_rows
from model.bench_figures import compare
from model.bench_rows import Bench
from model.bench_settings import Setting, settings
from model.dtype import fast_bfloat16
from model.random_parts import REDUCED, build_transformer
from model.tiles import Tiling
from worker.cli import main

ROWS = "dense-bf16-81,sparse-bf16-81,*-fp8-81,stock-bf16-81"
pytestmark = [
    pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU it takes minutes"),
    # A row under way is ended by the one alarm that a process has.
    pytest.mark.timeout(300, method="thread"),
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
def test_a_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "gpu.json"
    assert main(["bench", "gpu", "--json", "--no-quality", "--rows", ROWS, "--out", str(file)]) == 0
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert json.loads(file.read_text()) == report
    assert report["machine"]["gpu"] is None
    assert report["machine"]["cpu"]
    assert "no CUDA device" in report["why_this_scale"]
    assert report["bf16_is"] == ("bfloat16" if fast_bfloat16() else "float32")
    rows = {row["row"]: row for row in report["rows"]}
    assert len(rows) == 6
    for name in ("dense-fp8-81", "sparse-fp8-81", "overlap-fp8-81"):
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
    assert dense["step_against_stock"] == pytest.approx(stock["step_ms"] / dense["step_ms"], abs=0.01)
    assert sparse["clip_against_stock"] == pytest.approx(
        stock["clip_seconds"] / sparse["clip_seconds"], abs=0.01
    )
    assert dense["realtime_factor"] == pytest.approx(dense["clip_seconds"] * 24 / 81, abs=0.01)
    assert "sparse-bf16-81: " in said.err


def test_the_time_is_kept_and_every_setting_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [setting.name for setting in settings()]
    assert len(set(names)) == len(names)
    assert {
        f"{a}-{p}-{f}" for a in ("dense", "sparse") for p in ("bf16", "fp8", "int8") for f in (81, 121)
    } < {*names}

    def broken(self: Bench, setting: Setting, report: dict[str, object]) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Bench, "row", broken)
    monkeypatch.setattr(bench_gpu, "forget", lambda device: None)
    monkeypatch.setattr(Bench, "stage", lambda self, name: {"seconds": 1.0})
    monkeypatch.setattr(bench_rows, "matmul_rate", lambda kind, device: 1e12)
    report = bench_gpu.measure(rows="*", say=lambda line: None)
    assert {row["not_run"] for row in report["rows"]} == {"OutOfMemoryError: CUDA out of memory"}
    spent = bench_gpu.measure(rows="dense-*", minutes=0.0, say=lambda line: None)
    assert {row["not_run"] for row in spent["rows"]} == {"the 0 minutes were spent"}


def test_a_row_under_way_is_ended_and_what_it_had_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(self: Bench, setting: Setting, report: dict[str, object]) -> None:
        report["step_ms"] = 7.0
        try:
            time.sleep(60)
        except Exception:
            pytest.fail("the end of the time was taken for a failure of the row's own")

    monkeypatch.setattr(Bench, "row", endless)
    monkeypatch.setattr(Bench, "stage", lambda self, name: {"seconds": 1.0})
    monkeypatch.setattr(bench_rows, "matmul_rate", lambda kind, device: 1e12)
    kept: list[list[str]] = []
    began = time.monotonic()
    report = bench_gpu.measure(
        rows="dense-bf16-*,encode",
        minutes=5 / 60,
        say=lambda line: None,
        keep=lambda report: kept.append([row["row"] for row in report["stages"] + report["rows"]]),
    )
    assert time.monotonic() - began < 20
    first, other = report["rows"]
    assert first["step_ms"] == 7.0
    assert "minutes were spent" in first["cut_short"]
    assert "minutes were spent" in other["not_run"]
    assert kept[:2] == [["encode"], ["encode", "dense-bf16-81"]]  # a stage named in full is the only one


def test_rows_are_compared_with_the_stock_pipeline_of_as_many_frames() -> None:
    rows: list[dict] = [
        {"row": "sparse-fp8-121", "step_ms": 5.0, "clip_seconds": 3.0},
        {"row": "stock-bf16-121", "step_ms": 20.0, "clip_seconds": 12.0},
        {"row": "dense-fp8-81", "step_ms": 5.0},
    ]
    compare(rows)
    assert rows[0]["step_against_stock"] == rows[0]["clip_against_stock"] == 4.0
    assert "step_against_stock" not in rows[2]


def test_rows_run_on_the_same_weights() -> None:
    one, other = (build_transformer(REDUCED, torch.device("cpu")) for _ in range(2))
    for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)
