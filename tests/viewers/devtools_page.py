"""A page of a headless browser, driven through its DevTools: for tests.

Decides what counts as asked of another host than this one. Knows no JupyterLab: see `lab_browser`.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-sync", "--disable-background-networking", "--disable-component-update"),
    *("--disable-dev-shm-usage", "--enable-unsafe-swiftshader", "--hide-scrollbars"),
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # whatever is asked: no network
)
_KEYS = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, " ": 32, "Home": 36}


class LabError(AssertionError):
    """JupyterLab or its browser did not do in time what a test waits for."""


def find_chromium() -> str | None:
    """Return the browser's command: `HIPUS_CHROMIUM`, or the first on the PATH."""
    return os.environ.get("HIPUS_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def browser_command(chromium: str, folder: Path) -> list[str]:
    """Return the command of a browser with a fresh profile."""
    return [chromium, *FLAGS, f"--user-data-dir={folder / 'browser'}", "about:blank"]


def wait_for_devtools(path: Path, timeout_s: float = 90) -> int:
    """Return the port that the browser tells in its profile."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if path.is_file() and (text := path.read_text()).count("\n"):
            return int(text.splitlines()[0])
        time.sleep(0.1)
    raise LabError(f"{path.parent.parent / 'browser.log'}: no DevTools in {timeout_s} s")


@dataclass
class Page:
    """One page of the browser, driven through its DevTools.

    Attributes
    ----------
    socket : websocket.WebSocket
    requests : list of str
        Every address that was asked for.
    errors : list of str
        What the console said as an error, and what nobody caught.
    """

    socket: websocket.WebSocket
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _number: Iterator[int] = field(default_factory=itertools.count)

    def call(self, method: str, *, timeout_s: float = 30, **parameters) -> dict:
        """Send a DevTools command and return its result."""
        number = next(self._number)
        self.socket.settimeout(timeout_s)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            try:
                said = json.loads(self.socket.recv())
            except websocket.WebSocketTimeoutException as error:
                raise LabError(f"{method}: no answer in {timeout_s} s") from error
            if said.get("id") == number:
                break
            self._note(said)
        if "error" in said:
            raise LabError(f"{method}: {said['error']}")
        return said["result"]

    def _note(self, said: dict) -> None:
        """Keep what an event tells: addresses, and errors."""
        method, told = said.get("method"), said.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(told["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(told["exceptionDetails"])[:2000])
        elif method == "Runtime.consoleAPICalled" and told["type"] == "error":
            values = (str(arg.get("value", arg.get("description"))) for arg in told["args"])
            self.errors.append(" ".join(values)[:2000])

    def evaluate(self, script: str, *, timeout_s: float = 30):
        """Return what JavaScript gives; a promise is awaited."""
        found = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True,
            timeout_s=timeout_s,
        )  # fmt: skip
        if "exceptionDetails" in found:
            raise LabError(f"{script}: {json.dumps(found['exceptionDetails'])[:1500]}")
        return found["result"].get("value")

    def wait_for(self, script: str, *, timeout_s: float = 20):
        """Return what JavaScript gives once it gives something truthy."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            value = self.evaluate(f"(() => {{ const v = {script}; return v ? (typeof v === "
                                  "'object' ? true : v) : null; })()")  # fmt: skip
            if value:
                return value
            time.sleep(0.1)
        raise LabError(f"{script}: not in {timeout_s} s; errors: {self.errors[-3:]}")

    def press(self, key: str) -> None:
        """Press and let go a key: "ArrowRight", "Home", " " or a letter."""
        code = _KEYS.get(key, ord(key[0].upper()))
        text = {"text": key} if len(key) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            extra = text if kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=code, **extra)  # fmt: skip

    def drag(self, start_xy, stop_xy) -> None:
        """Drag with the mouse from a place of the window to another, px."""
        middle = [(a + b) / 2 for a, b in zip(start_xy, stop_xy, strict=True)]
        steps = (("mousePressed", start_xy), ("mouseMoved", middle), ("mouseMoved", stop_xy),
                 ("mouseReleased", stop_xy))  # fmt: skip
        for kind, (x, y) in steps:
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1,
                      clickCount=1)  # fmt: skip

    def place_of(self, selector: str) -> tuple[float, float]:
        """Return the middle of the first element that a CSS selector finds, px."""
        self.evaluate(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
        box = self.evaluate(
            f"(() => {{ const b = document.querySelector({selector!r}).getBoundingClientRect();"
            " return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        return tuple(box)

    def picture(self) -> bytes:
        """Return the window as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def screenshot(self, path: Path) -> Path:
        """Save the window as PNG."""
        Path(path).write_bytes(self.picture())
        return Path(path)

    def elsewhere(self) -> list[str]:
        """Return what was asked of another host than this one."""
        own = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:", "chrome:")
        self.evaluate("0")  # reads what is still to be told
        return [url for url in dict.fromkeys(self.requests) if not url.startswith(own)]
