"""A headless Chromium that tests drive: pages, keys, sizes, and all that it asks of a network.

Speaks the browser's own protocol over a local socket. Chromium is `HIPUS_CHROMIUM` or on the
PATH; without one a test is skipped, and `HIPUS_REQUIRE_BROWSER=1` makes that a failure.
"""

import base64
import itertools
import json
import os
import shutil
import subprocess
import time
from contextlib import contextmanager

import pytest
from websocket import create_connection

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--enable-unsafe-swiftshader",  # WebGL without a graphics card
    "--use-angle=swiftshader",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
]
#: Of a machine without a graphics card; says nothing of a page.
SLOW = "GL Driver Message (OpenGL, Performance"


def command() -> str:
    """Return the browser's command, or skip."""
    found = os.environ.get("HIPUS_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        if os.environ.get("HIPUS_REQUIRE_BROWSER"):
            pytest.fail("HIPUS_REQUIRE_BROWSER is set, but there is no Chromium")
        pytest.skip("no Chromium: set HIPUS_CHROMIUM or put one on the PATH")
    return found


class Tab:
    """A page in the browser."""

    def __init__(self, address: str):
        self._socket = create_connection(address, timeout=60, suppress_origin=True)
        self._numbers = itertools.count(1)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._loaded = False
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters) -> dict:
        """Call a method of the protocol and return its result."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            told = json.loads(self._socket.recv())
            if told.get("id") == number:
                assert "error" not in told, f"{method}: {told['error']}"
                return told["result"]
            self._note(told)

    def _note(self, told: dict) -> None:
        """Keep what a page asked for and complained of."""
        method, parameters = told.get("method"), told.get("params", {})
        if method == "Network.requestWillBeSent":
            if parameters["request"]["url"] != "about:blank":
                self.requests.append(parameters["request"]["url"])
        elif method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(parameters["exceptionDetails"])[:600])
        elif method == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
            self.complaints.append(json.dumps(parameters["args"])[:600])
        self.complaints = [one for one in self.complaints if SLOW not in one]

    def open(self, path, *, width: int = 1440, height: int = 900, dark: bool = False) -> "Tab":
        """Open a file at a window's size and wait until it has loaded."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self._go("about:blank")  # else a place on the same page would not load again
        self._go(path if isinstance(path, str) else path.resolve().as_uri())
        return self

    def _go(self, address: str) -> None:
        """Load an address and wait for it."""
        self._loaded = False
        self.call("Page.navigate", url=address)
        deadline = time.monotonic() + 60
        while not self._loaded:
            assert time.monotonic() < deadline, f"{address} did not load"
            self.call("Runtime.evaluate", expression="0")

    def value(self, expression: str):
        """Return what JavaScript gives, after a frame was drawn."""
        frame = "await new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
        found = self.call(
            "Runtime.evaluate", expression=f"(async () => {{ {frame}; return {expression}; }})()",
            returnByValue=True, awaitPromise=True,
        )  # fmt: skip
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key: str, *, times: int = 1, shift: bool = False) -> None:
        """Press a named key: Tab, Enter, ArrowLeft …"""
        codes = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
                 "ArrowDown": 40, "Escape": 27, "Home": 36, "End": 35}  # fmt: skip
        about = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key],
                 "modifiers": 8 * shift}  # fmt: skip
        for _ in range(times):
            text = {"text": "\r"} if key == "Enter" else {}
            self.call("Input.dispatchKeyEvent", type="keyDown", **about, **text)
            self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def write(self, text: str) -> None:
        """Type text where the focus is."""
        self.call("Input.insertText", text=text)

    def picture(self, target, *, whole: bool = False):
        """Save what is seen, or the whole page, as PNG."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        target.write_bytes(base64.b64decode(found["data"]))
        return target


@contextmanager
def browser(folder, *flags: str):
    """Start a browser with a profile in a folder; yield a tab; stop it."""
    process = subprocess.Popen(
        [command(), *FLAGS, *flags, f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield Tab(_address(folder, process))
    finally:
        process.terminate()
        process.wait(timeout=20)


def _address(folder, process) -> str:
    """Return the address of the browser's first page, once it is up."""
    told, deadline = folder / "DevToolsActivePort", time.monotonic() + 60
    while not told.is_file() or "\n" not in told.read_text():
        assert process.poll() is None, "Chromium ended at once"
        assert time.monotonic() < deadline, "Chromium did not start"
        time.sleep(0.05)
    port, path = told.read_text().split()[:2]
    socket = create_connection(f"ws://127.0.0.1:{port}{path}", timeout=60, suppress_origin=True)
    socket.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
    while (answer := json.loads(socket.recv())).get("id") != 1:
        pass
    socket.close()
    (target,) = [one for one in answer["result"]["targetInfos"] if one["type"] == "page"]
    return f"ws://127.0.0.1:{port}/devtools/page/{target['targetId']}"
