"""What commands print and write: JSON with units in its keys."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import typer

from hipus.files import write_text


def emit(content: dict, target: Path | None = None) -> None:
    """Print a result as JSON, and write it to a file if one is named.

    Parameters
    ----------
    content : dict
        Numbers, text, arrays; NaN and infinity become null.
    target : Path, optional
        Written atomically before anything is printed.
    """
    text = json.dumps({key: plain(value) for key, value in content.items()}, indent=2)
    if target is not None:
        write_text(target, text + "\n")
    typer.echo(text)


def tell(line: str) -> None:
    """Say something to the person who waits, on standard error.

    Parameters
    ----------
    line : str
    """
    typer.echo(line, err=True)


def refuse_input(target: Path, *inputs: Path | None) -> None:
    """Raise if an output would replace one of the inputs.

    Parameters
    ----------
    target : Path
    *inputs : Path or None
        None for an input that was not named.

    Raises
    ------
    ValueError
        Naming the output.
    """
    named = [path for path in inputs if path is not None and path.exists()]
    if target.exists() and any(target.samefile(path) for path in named):
        raise ValueError(f"output must not replace an input, got {target} for both")


def plain(value):
    """Return a value as JSON has it."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
