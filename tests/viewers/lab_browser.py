"""A notebook in JupyterLab in a real browser, offline and under time limits: for tests.

How to use it, in a test of any folder (the fixture `lab` is in tests/viewers/conftest.py; tests
that use it live in tests/viewers):

    def test_the_hip_answers(lab):
        with lab.open(["from hipus.x import y", "y()"]) as page:     # one text a code cell
            page.wait_for("document.querySelector('canvas')")        # JavaScript, until truthy
            page.press("ArrowRight")                                 # keys go to what has focus
            assert page.evaluate("document.title") != ""
            page.screenshot(tmp_path / "x.png")                      # of the window; look at it

`open` starts a kernel, runs all cells and one more after them, and returns when that last one
has run (`LabError` after `timeout_s`). Leaving the block raises if anything was asked of another
host than this one. The server and the browser are started once a session.

Decides how a person's notebook is driven without one. Live viewers are on: HIPUS_STATIC_VIEWS
is not handed to the kernel. Knows no viewer.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import websocket
from devtools_page import LabError, Page, browser_command, wait_for_devtools
from nbformat import v4

DONE = "every cell has run"
_TOKEN = "tested"
#: What itkwidgets brings: it asks a server elsewhere for scripts whenever JupyterLab is opened.
IMJOY = "imjoy-jupyterlab-extension"


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab and a browser beside it.

    Attributes
    ----------
    folder : pathlib.Path
        That the server shows.
    port : int
        Of the server.
    devtools_port : int
        Of the browser.
    """

    folder: Path
    port: int
    devtools_port: int
    _number: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @contextlib.contextmanager
    def open(
        self,
        cells: Sequence[str],
        *,
        timeout_s: float = 120,
        window_px: tuple[int, int] = (1200, 1000),
        may_ask: Sequence[str] = (),
        switched_off: Sequence[str] = (IMJOY,),
    ) -> Iterator[Page]:
        """Open a notebook of these code cells, run all, and yield its page.

        Parameters
        ----------
        cells : sequence of str
        timeout_s : float
            For the page, the kernel and all cells together.
        window_px : tuple of 2 int
        may_ask : sequence of str
            Beginnings of addresses elsewhere that are expected to be asked for, in vain.
        switched_off : sequence of str
            Extensions of JupyterLab.

        Yields
        ------
        Page

        Raises
        ------
        LabError
            If the cells take longer, one fails, or a request would have left this machine.
        """
        end = time.monotonic() + timeout_s
        name = f"made_{next(self._number)}.ipynb"
        code = [v4.new_code_cell(text) for text in (*cells, f"print({DONE!r})")]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(v4.new_notebook(cells=code, metadata=kernel), self.folder / name)
        self._switch_off(switched_off)
        page = self._new_page(window_px)
        try:
            page.call("Page.navigate", url=f"{self.address}/doc/tree/{name}?token={_TOKEN}")
            _run_all(page, end, timeout_s)
            yield page
            asked = [
                url for url in page.elsewhere() if not url.startswith(tuple(may_ask) or ("\0",))
            ]
            if asked:
                raise LabError(f"a request would have left this machine: {asked[:3]}")
        finally:
            self._close(page)

    @property
    def address(self) -> str:
        """Return the server's address."""
        return f"http://127.0.0.1:{self.port}"

    def _switch_off(self, extensions: Sequence[str]) -> None:
        """Have the next page loaded without some extensions."""
        path = self.folder.parent / "config" / "labconfig" / "page_config.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"disabledExtensions": dict.fromkeys(extensions, True)}))

    def _new_page(self, window_px: tuple[int, int]) -> Page:
        """Return a blank page that tells what it asks for."""
        made = self._devtools("/json/new?about:blank", method="PUT")
        connection = websocket.create_connection(
            made["webSocketDebuggerUrl"], timeout=30, suppress_origin=True
        )
        page = Page(connection)
        for domain in ("Page", "Runtime", "Network"):
            page.call(f"{domain}.enable")
        width, height = window_px
        page.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)  # fmt: skip
        page.call("Emulation.setFocusEmulationEnabled", enabled=True)
        return page

    def _close(self, page: Page) -> None:
        """Stop the page's kernel and close the page, whatever happened."""
        with contextlib.suppress(Exception):
            page.evaluate("jupyterapp.serviceManager.sessions.shutdownAll()", timeout_s=10)
        with contextlib.suppress(Exception):
            page.call("Page.close", timeout_s=5)
        page.socket.close()

    def _devtools(self, path: str, method: str = "GET") -> dict:
        """Return what the browser's DevTools server says."""
        address = f"http://127.0.0.1:{self.devtools_port}{path}"
        with urllib.request.urlopen(
            urllib.request.Request(address, method=method), timeout=10
        ) as r:
            return json.load(r)


#: The notebook's panel.
_PANEL = "[...window.jupyterapp.shell.widgets('main')].find(w => w.content?.model?.cells?.length)"
#: Runs all cells once the kernel is there.
_RUN = f"""(async () => {{
  const panel = {_PANEL};
  await panel.sessionContext.ready;
  jupyterapp.shell.activateById(panel.id);
  await jupyterapp.commands.execute('notebook:run-all-cells');
}})()"""
#: What every cell has to say for itself: errors, and the last cell's text.
_SAID = f"""(() => {{
  const cells = {_PANEL}.content.model.cells;
  const all = [...Array(cells.length).keys()].map(i => cells.get(i).outputs.toJSON());
  const failed = all.flat().filter(o => o.output_type === 'error').map(o => o.evalue);
  return JSON.stringify({{failed, last: JSON.stringify(all[all.length - 1])}});
}})()"""


def _run_all(page: Page, end: float, timeout_s: float) -> None:
    """Run all cells; return when the last one has, raise where one failed."""
    left = max(1.0, end - time.monotonic())
    page.wait_for(f"window.jupyterapp && {_PANEL}", timeout_s=left)
    # Not awaited: a cell that never ends is found below, with what it said.
    page.evaluate(f"{_RUN}; true")
    while True:
        said = json.loads(page.evaluate(_SAID))
        if said["failed"]:
            raise LabError(f"a cell failed: {said['failed'][0]}")
        if DONE in said["last"]:
            return
        if time.monotonic() > end:
            raise LabError(f"not every cell has run in {timeout_s} s; {page.errors[-3:]}")
        time.sleep(0.2)


@contextlib.contextmanager
def running_lab(chromium: str, folder: Path) -> Iterator[Lab]:
    """Start JupyterLab and a browser, both on this machine alone; stop both at the end.

    Parameters
    ----------
    chromium : str
        The browser's command.
    folder : pathlib.Path
        Empty; holds notebooks, settings and the browser's profile.

    Yields
    ------
    Lab
    """
    (folder / "notebooks").mkdir()
    port = _free_port()
    commands = {"lab": _server(folder, port), "browser": browser_command(chromium, folder)}
    processes, logs = [], []
    try:
        for name, command in commands.items():
            logs.append(open(folder / f"{name}.log", "wb"))  # noqa: SIM115 - closed below
            processes.append(
                subprocess.Popen(command, env=_environment(folder), cwd=folder, stdout=logs[-1],
                                 stderr=subprocess.STDOUT)
            )  # fmt: skip
        devtools = wait_for_devtools(folder / "browser" / "DevToolsActivePort")
        _wait_for_server(port, folder / "lab.log")
        yield Lab(folder / "notebooks", port, devtools)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            _stopped(process)
        for log in logs:
            log.close()


def _server(folder: Path, port: int) -> list[str]:
    """Return the command of a JupyterLab that asks nothing of the network."""
    _write_settings(folder / "settings")
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={_TOKEN}", f"--ServerApp.root_dir={folder / 'notebooks'}"),
        *("--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *("--LabApp.news_url=None", f"--LabApp.user_settings_dir={folder / 'settings'}"),
        f"--LabApp.workspaces_dir={folder / 'workspaces'}",
    ]


def _write_settings(folder: Path) -> None:
    """Have every cell drawn, in view or not, and nobody asked about news."""
    kept = {
        "notebook-extension/tracker": {"windowingMode": "none"},
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    }
    for name, settings in kept.items():
        path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))


def _environment(folder: Path) -> dict[str, str]:
    """Return a person's environment: live viewers on, no settings but a test's own."""
    kept = {name: value for name, value in os.environ.items() if name != "HIPUS_STATIC_VIEWS"}
    own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data",
           "JUPYTER_RUNTIME_DIR": "runtime", "IPYTHONDIR": "ipython"}  # fmt: skip
    return kept | {name: str(folder / place) for name, place in own.items()}


def _free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _wait_for_server(port: int, log: Path, timeout_s: float = 90) -> None:
    """Return once JupyterLab answers."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5).close()
            return
        time.sleep(0.2)
    raise LabError(f"JupyterLab does not answer in {timeout_s} s: {log.read_text()[-1500:]}")


def _stopped(process: subprocess.Popen) -> None:
    """Wait for a process that was asked to end; end it where it does not."""
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=10)
