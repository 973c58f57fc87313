"""A training's own process: started, watched, and never left behind.

Decides what a person sees while a network learns (a bar on a terminal, else a line every few
epochs) and what is told when it fails. Deliberately knows nothing about data or models.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from hipus.files import write_text
from hipus.segmentation.nnunet_child import EPOCHS, JOB

log = logging.getLogger(__name__)

_CHILD_LOG = "child.log"
_LOOK_EVERY_S = 0.5
_LOG_EVERY_EPOCHS = 10
_LAST_LINES = 20
#: glibc gives large blocks back at each release and fetches them anew, page by page: a tenth of a
#: training's time. It reads these when a process starts; elsewhere they mean nothing.
_KEPT_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 33),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
}


def run(job: Mapping, folder: Path, *, title: str) -> None:
    """Train in a process of its own, showing how it goes.

    Parameters
    ----------
    job : mapping
        As `nnunet_child.main` reads it.
    folder : Path
        Of the training; the process's words go to a log there.
    title : str
        Name in progress and messages.

    Raises
    ------
    RuntimeError
        If the process fails; the message holds its last lines.
    """
    write_text(folder / JOB, json.dumps(job, indent=2, sort_keys=True) + "\n")
    places = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(place for place in places if place)
    environment = {**_KEPT_MEMORY, **os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-m", "hipus.segmentation.nnunet_child", str(folder / JOB)]
    with (folder / _CHILD_LOG).open("wb") as said:
        # The child ends when this end of its standard input closes, so no orphan trains on.
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=environment
        )
        try:
            _watch(child, folder, title)
        finally:
            if child.poll() is None:
                child.kill()
            child.stdin.close()
            child.wait()
    if child.returncode != 0:
        lines = (folder / _CHILD_LOG).read_text(errors="replace").splitlines()[-_LAST_LINES:]
        raise RuntimeError(
            f"{title}: its training ended with {child.returncode} in {folder}; calling again "
            "goes on from the last whole epoch. It said last:\n" + "\n".join(lines)
        )


def _watch(child: subprocess.Popen, folder: Path, title: str) -> None:
    """Show epochs as they are finished until the process ends."""
    from tqdm import tqdm

    plan = next(iter(json.loads((folder / JOB).read_text())["plans"]["configurations"].values()))
    total, seen = plan["study"]["epochs"], len(read_epochs(folder / EPOCHS))
    with tqdm(total=total, initial=seen, desc=title, unit="epoch", disable=None) as bar:
        is_running = True
        while is_running:
            try:
                child.wait(timeout=_LOOK_EVERY_S)
                is_running = False
            except subprocess.TimeoutExpired:
                pass
            rows = read_epochs(folder / EPOCHS)
            if len(rows) > seen:
                bar.set_postfix_str(_words(rows[-1]))
                if len(rows) // _LOG_EVERY_EPOCHS > seen // _LOG_EVERY_EPOCHS and bar.disable:
                    log.info("%s: epoch %d of %d, %s", title, len(rows), total, _words(rows[-1]))
                bar.update(len(rows) - seen)
                seen = len(rows)


def _words(row: Mapping) -> str:
    """Return an epoch's loss and mean Dice in words."""
    dice = [value for value in row["dice"] if value is not None]
    mean = f"{sum(dice) / len(dice):.3f}" if dice else "none"
    loss = "none" if row["train_loss"] is None else f"{row['train_loss']:.3f}"
    return f"loss {loss}, Dice {mean}"


def read_epochs(path: Path) -> tuple[dict, ...]:
    """Read the rows of a training's epochs.

    Parameters
    ----------
    path : Path
        `epochs.jsonl`.

    Returns
    -------
    tuple of dict
        Empty where nothing was written yet.
    """
    if not path.is_file():
        return ()
    return tuple(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
