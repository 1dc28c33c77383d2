"""The guides' examples, as a reader would run them: from top to bottom, against a running service."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import ROOT, clean_env, running

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
RUNNERS = {"sh": ["bash", "-euxo", "pipefail", "-c"], "python": [sys.executable, "-W", "error", "-c"]}
RUN = re.compile(r"^```(\w+) run\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUNNABLE = [guide for guide in GUIDES if RUN.search(guide.read_text())]
# The SDK says of every call of its own that OpenAI's service is gone.
QUIET = "import warnings\nwarnings.filterwarnings('ignore', 'The Sora API')\n"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("service")) as (_, url):
        yield url


@pytest.mark.parametrize("guide", RUNNABLE, ids=lambda path: path.stem)
def test_every_example_runs(guide: Path, url: str, tmp_path: Path) -> None:
    blocks = RUN.findall(guide.read_text())
    (language,) = {language for language, _ in blocks}
    script = "\n".join(text for _, text in blocks)
    bin_folder = Path(sys.executable).parent
    env = clean_env(MAGIC141_URL=url, PYTHONPATH=str(ROOT))
    env["PATH"] = f"{bin_folder}:{env['PATH']}"
    argv = [*RUNNERS[language], (QUIET if language == "python" else "") + script]
    done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *GUIDES):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
