"""What is said about a printed claim once something of ours stands beside it.

Decides the classes and the two rules, for a number and for a sentence. Deliberately reads nothing:
which of our numbers stands beside which claim is data (`data/claims/`).

Rules
-----
A simulated number never confirms a clinical one: at best it points the same way.

- *Number*: "same direction" if ours is within `TOLERANCE` of the printed value, or if the printed
  value lies in our interval and this interval is not wider than the printed value itself; if it is
  wider it holds nearly anything, and the claim is "undecided here". All else "differs".
- *Sentence*: each comparison that it makes was judged where it was measured, by its interval. One
  that surely does not hold makes the sentence "differs"; else one that is not decided makes it
  "undecided here"; else it is "same direction".
- *Arithmetic*: a claim that no result answers is "confirmed by arithmetic" where the document's own
  numbers require it, and "differs" where they contradict it; the reason says which check.
- *Input*: what went into the simulation is an input whatever came out of it.

"Undecided here" is a class of its own: neither "same" nor "differs" is true of what a study of a
few infants cannot tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What can be said about one printed claim."""

    CONFIRMED = "confirmed by arithmetic"
    SAME = "same direction"
    DIFFERS = "differs"
    UNDECIDED = "undecided here"
    INPUT = "input of the simulation"
    QUOTED = "quoted, not tested"
    CLINICAL = "not testable without the clinical cohort"
    HARDWARE = "hardware, not comparable"


#: A number of ours that is off by no more of the printed one is of the same size.
TOLERANCE = 0.10

#: What the tables of claims say of one comparison -> its class.
WORDS = {
    "holds": Verdict.SAME,
    "does not hold": Verdict.DIFFERS,
    "not decided": Verdict.UNDECIDED,
    "undecided": Verdict.UNDECIDED,
    "not testable": Verdict.CLINICAL,
    "holds here": Verdict.SAME,
    "holds here in part": Verdict.UNDECIDED,
    "opposite here": Verdict.DIFFERS,
    "not told apart here": Verdict.UNDECIDED,
    "arm learned nothing": Verdict.UNDECIDED,
    "arm not run": Verdict.CLINICAL,
}


def of_number(printed: float, ours: float, *, low: float, high: float) -> Verdict:
    """Return what a number of ours says about a printed one.

    Parameters
    ----------
    printed, ours : float
        In the same unit, finite.
    low, high : float
        Interval of ours, NaN where there is none.

    Returns
    -------
    Verdict
        Same direction, differs, or undecided here (see the module).

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    if not (math.isfinite(printed) and math.isfinite(ours)):
        raise ValueError(f"printed and ours must be finite, got {printed} and {ours}")
    if abs(ours - printed) <= TOLERANCE * abs(printed) * (1 + 1e-12):
        return Verdict.SAME
    if not low <= printed <= high:  # false for NaN: no interval, no benefit
        return Verdict.DIFFERS
    return Verdict.SAME if high - low <= abs(printed) else Verdict.UNDECIDED


def of_word(word: str) -> Verdict:
    """Return the class of a comparison that another table has judged.

    Parameters
    ----------
    word : str
        A key of `WORDS`.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        For another word: a verdict must not be lost in silence.
    """
    if word not in WORDS:
        raise ValueError(f"verdict of a comparison must be one of {list(WORDS)}, got {word!r}")
    return WORDS[word]


def of_parts(parts: Iterable[Verdict]) -> Verdict:
    """Return the class of a sentence from those of its comparisons.

    Parameters
    ----------
    parts : iterable of Verdict

    Returns
    -------
    Verdict
        The first of differs, undecided here, not testable, same direction that occurs.

    Raises
    ------
    ValueError
        Without any part.
    """
    found = set(parts)
    for verdict in (Verdict.DIFFERS, Verdict.UNDECIDED, Verdict.CLINICAL, Verdict.SAME):
        if verdict in found:
            return verdict
    raise ValueError(f"a sentence needs at least one judged comparison, got {sorted(found)}")
