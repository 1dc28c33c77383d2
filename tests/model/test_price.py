import pytest

from model.evaluate import price


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_the_price_of_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """One camera word is enough to see that it is measured."""
    few = {"pan left": price.COMMANDS["pan left"]}
    monkeypatch.setattr(price, "COMMANDS", few)
    plain, small, sparse, absent = price.priced(
        [("dense", "bf16"), ("dense", "int8"), ("sparse", "bf16"), ("dense", "fp8")]
    )
    assert (plain["psnr_db"], plain["relative_error"]) == (60.0, 0.0)
    assert 25 < small["psnr_db"] < 60
    assert sparse["psnr_db"] < small["psnr_db"]
    assert sparse["density"] < 0.6
    assert plain["films"] == small["films"] == sparse["films"] == 1
    assert 0 <= plain["motion"] <= 1
    assert "fp8 needs a CUDA device" in absent["not_run"] or "psnr_db" in absent
