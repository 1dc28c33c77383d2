"""The deployment guide's table of settings: every one, with its default, and no other."""

import re

from tests.service import ROOT
from worker.contract.settings import Settings

ROW = re.compile(r"^\| `MAGIC141_(\w+)` \| (?:none|`(.*)`) \| .+ \|$", re.MULTILINE)


def test_the_table_is_the_settings() -> None:
    rows = ROW.findall((ROOT / "docs" / "guides" / "deployment.md").read_text())
    assert [name.lower() for name, _ in rows] == list(Settings.model_fields)
    told = Settings.model_validate({name.lower(): default for name, default in rows if default})
    for name, default in rows:
        assert bool(default) == (Settings.model_fields[name.lower()].default not in (None, "")), name
    assert told == Settings()
