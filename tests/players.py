"""Players on pages of another origin: all that they know of the service is a playlist's URL."""

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.service import ROOT

HEAD = '<link rel="icon" href="data:,">'
HLS_JS = """<video crossorigin muted autoplay></video><script type="module">
import Hls from "./hls.js";
const hls = new Hls({ startPosition: 0 });
hls.loadSource("PLAYLIST");
hls.attachMedia(document.querySelector("video"));
</script>"""
OWN = '<video crossorigin muted autoplay src="PLAYLIST"></video>'
"""The browser's own HLS."""


@dataclass(frozen=True)
class Elsewhere:
    """Another origin, and the folder that it serves."""

    origin: str
    folder: Path

    def page(self, html: str, playlist: str) -> str:
        """The address of a page with this content, `PLAYLIST` in it being the URL that is given."""
        (self.folder / "index.html").write_text(HEAD + html.replace("PLAYLIST", playlist))
        (vendored,) = (ROOT / "app" / "page").glob("vendor/*/*.mjs")
        (self.folder / "hls.js").write_bytes(vendored.read_bytes())
        return self.origin


@contextmanager
def another_origin() -> Iterator[Elsewhere]:
    with tempfile.TemporaryDirectory() as folder:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Elsewhere(f"http://127.0.0.1:{server.server_port}", Path(folder))
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...
