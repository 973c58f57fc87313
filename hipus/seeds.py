"""One random generator per unit of work.

Decides how a study seed and a unit's name become a generator. There is no global seed:
adding a subject or a stage leaves the random numbers of all others unchanged.
"""

from __future__ import annotations

import hashlib
from numbers import Integral

import numpy as np


def generator(seed: int, *unit: str | int) -> np.random.Generator:
    """Return the generator of one named unit of work.

    Parameters
    ----------
    seed : int
        The study's seed (`common.seed` in params.yaml), not negative.
    *unit : str or int
        Name of the unit, outermost first, for example `"phantom", "S001"`.

    Returns
    -------
    numpy.random.Generator
        PCG64 seeded by the SHA-256 of seed and unit; equal inputs give equal streams on
        every machine, different units give independent ones.

    Raises
    ------
    ValueError
        If the seed is negative or no unit is named.
    """
    if seed < 0:
        raise ValueError(f"seed must be >= 0, got {seed}")
    if not unit:
        raise ValueError("unit must name what the generator is for, got no name")
    # A NumPy integer out of a table is the same unit as the plain one.
    kinds = ["int" if isinstance(part, Integral) else "str" for part in (seed, *unit)]
    name = "\x1f".join(f"{kind}:{part}" for kind, part in zip(kinds, (seed, *unit), strict=True))
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype="<u4").tolist())
