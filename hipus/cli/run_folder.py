"""A folder that a run fills step by step: whose it is, what is finished, what is stale.

Decides that a folder belongs to the inputs whose SHA-256 stand in its `run.json`; that a step is
finished when that record names its key (what it was made of) and its files are as they were
written; and that what follows a step made anew is stale and goes first. Deliberately knows no
step. Files nobody recorded are never touched.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hipus.cli.output import plain
from hipus.files import sha256, write_text

RECORD = "run.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Made:
    """What a step made.

    Attributes
    ----------
    files : tuple of str
        Below the folder.
    facts : dict
        Plain JSON.
    """

    files: tuple[str, ...]
    facts: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """A finished step.

    Attributes
    ----------
    key : str
        SHA-256 of what it was made of.
    seconds : float
        Wall time of making it.
    files : dict of str to str
        SHA-256 of each.
    facts : dict
    """

    key: str
    seconds: float
    files: dict[str, str]
    facts: dict


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes
    ----------
    name : str
    depends : dict
        Options and models that it is made of, plain JSON, beside the steps before it.
    make : callable
        Writes its files, each wholly or not at all.
    """

    name: str
    depends: dict
    make: Callable[[], Made]


class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    inputs : mapping of str to dict
        Name to "bytes" and "sha256".
    overwrite : bool
        Begin anew, whatever was recorded.

    Raises
    ------
    ValueError
        If the folder is of other inputs, holds files of nobody's run, or its record is
        damaged, and is not to be overwritten.
    NotADirectoryError
        If it is a file.
    """

    def __init__(self, folder: Path, *, inputs: Mapping[str, dict], overwrite: bool = False):
        """Open the folder, and forget an older run where that is wanted."""
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(f"{folder} must be a folder for results, is a file")
        self.path, self.inputs = folder, dict(inputs)
        self.finished = self._recorded(overwrite)
        if overwrite:
            self._forget(list(self.finished))

    def run(self, steps: Sequence[Step], *, tell: Callable[[str], None]) -> dict[str, Finished]:
        """Make what is not finished.

        Parameters
        ----------
        steps : sequence of Step
            In their order.
        tell : callable
            Takes one line per step for a person.

        Returns
        -------
        dict of str to Finished
            Every step, in order. A step that raises leaves those before it.
        """
        self._forget(sorted(set(self.finished) - {step.name for step in steps}))
        self._record(self.finished)  # now it is this run's folder, whatever interrupts
        key, is_stale = _digest({"inputs": self.inputs}), False
        for number, step in enumerate(steps, start=1):
            key = _digest({"before": key, "step": step.name, **step.depends})
            head = f"[{number}/{len(steps)}] {step.name}"
            if not is_stale and self._is_kept(step.name, key):
                tell(f"{head}: kept")
                continue
            if not is_stale:
                self._forget([one.name for one in steps[number - 1 :]])
                is_stale = True
            tell(f"{head} ...")
            self.finished[step.name] = self._make(step, key)
            tell(f"{head}: {self.finished[step.name].seconds:.1f} s")
        return {step.name: self.finished[step.name] for step in steps}

    def _make(self, step: Step, key: str) -> Finished:
        """Make a step and record it."""
        start = time.perf_counter()
        made = step.make()
        seconds = time.perf_counter() - start
        files = {name: sha256(self.path / name) for name in made.files}
        finished = Finished(key, round(seconds, 3), files, plain(made.facts))
        self._record(self.finished | {step.name: finished})
        return finished

    def _is_kept(self, name: str, key: str) -> bool:
        """Tell whether a step is finished and its files are as they were written."""
        found = self.finished.get(name)
        if found is None or found.key != key:
            return False
        changed = [
            file
            for file, digest in found.files.items()
            if not (self.path / file).is_file() or sha256(self.path / file) != digest
        ]
        if changed:
            log.warning("%s: %s changed since, made anew", self.path, ", ".join(changed))
        return not changed

    def _forget(self, names: Sequence[str]) -> None:
        """Remove what is recorded of steps: the record first, so that none lies about files."""
        gone = {name: self.finished.pop(name) for name in names if name in self.finished}
        if not gone:
            return
        self._record(self.finished)
        for found in gone.values():
            for file in found.files:
                (self.path / file).unlink(missing_ok=True)

    def _record(self, finished: Mapping[str, Finished]) -> None:
        """Write the record."""
        content = {
            "inputs": self.inputs,
            "steps": {name: asdict(one) for name, one in finished.items()},
        }
        write_text(self.path / RECORD, json.dumps(content, indent=2) + "\n")

    def _recorded(self, overwrite: bool) -> dict[str, Finished]:
        """Return the finished steps of an older run of these inputs, or refuse the folder."""
        record = self.path / RECORD
        if not record.is_file():
            there = sorted(path.name for path in self.path.glob("*"))
            if there and not overwrite:
                raise ValueError(
                    f"{self.path} must be empty or of a run of this sweep (no {RECORD} in it), "
                    f"holds {', '.join(there[:3])}{', ...' if len(there) > 3 else ''}: name "
                    "another folder, or --overwrite"
                )
            return {}
        try:
            content = json.loads(record.read_text(encoding="utf-8"))
            inputs = {name: dict(one) for name, one in content["inputs"].items()}
            finished = {name: _finished(one) for name, one in content["steps"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if overwrite:
                return {}
            raise ValueError(f"{record} is damaged ({error!r}): --overwrite begins anew") from error
        if inputs != self.inputs and not overwrite:
            raise ValueError(
                f"{self.path} holds a run of {_named(inputs)}, asked for "
                f"{_named(self.inputs)}: name another folder, or --overwrite"
            )
        return finished


def _finished(recorded: dict) -> Finished:
    """Return a recorded step; its files are plain names below the folder."""
    found = Finished(**recorded)
    for name in found.files:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"file {name!r} lies outside")
    return found


def fingerprints(files: Sequence[Path]) -> dict[str, dict]:
    """Return size and SHA-256 of files, by name.

    Parameters
    ----------
    files : sequence of Path

    Returns
    -------
    dict of str to dict
        A second file of one name is called by its folder too.
    """
    found: dict[str, dict] = {}
    for path in files:
        name = path.name if path.name not in found else f"{path.parent.name}/{path.name}"
        found[name] = {"bytes": path.stat().st_size, "sha256": sha256(path)}
    return found


def folder_sha256(folder: Path) -> str:
    """Return one SHA-256 of all files in a folder, by their names and contents.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    str
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return _digest({str(path.relative_to(folder)): sha256(path) for path in files})


def _digest(content: dict) -> str:
    """Return the SHA-256 of plain JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _named(inputs: Mapping[str, dict]) -> str:
    """Return inputs as a person tells them apart."""
    return ", ".join(
        f"{name} (sha256 {one.get('sha256', '?')[:12]})" for name, one in inputs.items()
    )
