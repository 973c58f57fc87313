"""What a figure is drawn from: tables, and figure inputs by their names.

Decides nothing about which figure reads what: the registry of stage `figures` does.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from hipus import tables


def named_inputs(figure_input: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of a figure's inputs, however many it has.

    Parameters
    ----------
    figure_input : str or tuple of str
        As in `FIGURES`.

    Returns
    -------
    tuple of str
    """
    if isinstance(figure_input, tuple):
        return figure_input
    return (figure_input,) if figure_input else ()


def load(path: Path) -> pd.DataFrame | dict[str, np.ndarray]:
    """Return a table, or the arrays of a figure input.

    Parameters
    ----------
    path : Path

    Returns
    -------
    pandas.DataFrame or dict of str to numpy.ndarray

    Raises
    ------
    FileNotFoundError
        If it is not there; the message says which command makes it.
    """
    if path.suffix == ".csv":
        return tables.read(path)
    with np.load(tables.existing(path)) as stored:
        return dict(stored)
