"""A web server on this machine for the tests of downloads."""

import functools
import http.server
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class WebFolder:
    """A folder and the URL under which it is served."""

    path: Path
    url: str


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Serve files without a log."""

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def web_folder(tmp_path, monkeypatch):
    """Serve a fresh folder on 127.0.0.1, past any proxy of the machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HIPUS_OFFLINE", raising=False)
    folder = tmp_path / "web"
    folder.mkdir()
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield WebFolder(folder, f"http://127.0.0.1:{server.server_address[1]}/")
        server.shutdown()
