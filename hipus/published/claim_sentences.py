"""Sentences of the documents, judged by the tables that tested them.

Decides how a row of each table of judged comparisons is read. Deliberately judges nothing anew:
words are those of the table, their classes those of `verdicts`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from hipus.published import verdicts
from hipus.published.verdicts import Verdict


@dataclass(frozen=True)
class Part:
    """One judged comparison.

    Attributes
    ----------
    told : str
        What was compared and what was found.
    word : str
        The table's own verdict.
    n : str
        How many of what.
    note : str
    """

    told: str
    word: str
    n: str
    note: str

    @property
    def verdict(self) -> Verdict:
        """Return the class of the comparison."""
        return verdicts.of_word(self.word)


def parts_of(table: str, rows: pd.DataFrame) -> list[Part]:
    """Return the judged comparisons in rows of a table.

    Parameters
    ----------
    table : str
        A table of judged comparisons.
    rows : pandas.DataFrame
        As text.

    Returns
    -------
    list of Part

    Raises
    ------
    ValueError
        If it is no table of judged comparisons.
    """
    if table not in _READERS:
        raise ValueError(f"table of sentences must be one of {list(_READERS)}, got {table!r}")
    return [_READERS[table](row) for row in rows.to_dict("records")]


def told(parts: Sequence[Part]) -> str:
    """Return what was found, comparison by comparison."""
    return "; ".join(part.told for part in parts)


def why(parts: Sequence[Part]) -> str:
    """Return how the comparisons were judged, and what limits them.

    Parameters
    ----------
    parts : sequence of Part

    Returns
    -------
    str
    """
    counted = pd.Series([part.word for part in parts]).value_counts(sort=False)
    shares = ", ".join(f"{word}: {count}" for word, count in counted.items())
    judged = f"{len(parts)} comparisons ({shares})"
    if len(parts) == 1:
        judged = f"one comparison: {parts[0].word}"
    notes = dict.fromkeys(part.note for part in parts if part.note)
    return "; ".join([judged, *notes])


def _segmentation(row: dict[str, str]) -> Part:
    """Read a row of `segmentation_claims`: a is expected to be above b."""
    limit = "" if row["b"] == f"{float(row['value_b'] or 'nan'):g}" else row["b"]
    names, shared = _without_shared_end(row["a"], limit)
    about = _difference(row, "value_a", "value_b", names=names)
    about = f"{about} ({row['measure']}{shared})" if about else row["part"]
    return Part(about, row["part_verdict"], f"{row['n']} {_who(row['unit'])}", row["note"])


def _motion(row: dict[str, str]) -> Part:
    """Read a row of `motion_claims`: a is expected to be lower, equal or not lower than b."""
    about = f"{row['claim']}: {_difference(row, 'mean_a', 'mean_b', unit=row['unit'])}"
    return Part(about, row["verdict"], f"{row['subject_count']} infants", "")


def _factors(row: dict[str, str]) -> Part:
    """Read a row of `motion_factor_verdicts`, which says itself what was found."""
    said = row["sentence"].rstrip(".")
    return Part(said, row["verdict"], f"{row['subject_count']} infants", "by the study's own arm")


def _hips(row: dict[str, str]) -> Part:
    """Read a row of `hip_claims`."""
    return Part(row["found"], row["verdict"], "", row["asked"])


def _effects(row: dict[str, str]) -> Part:
    """Read a row of `motion_factor_effects`: more of the factor is expected to add drift."""
    low, high = float(row["low"] or "nan"), float(row["high"] or "nan")
    word = "holds here" if low > 0 else "opposite here" if high < 0 else "not told apart here"
    shown = (
        f"{row['factor']}, {row['design']}: {float(row['mm_per_sd']):+.3g} mm of final drift per SD"
    )
    ends = f" ({low:+.3g} to {high:+.3g})" if row["low"] else ""
    return Part(shown + ends, word, f"{row['subject_count']} infants", "by the study's own arm")


def _difference(
    row: dict[str, str], a: str, b: str, *, names: Sequence[str] = ("", ""), unit: str = ""
) -> str:
    """Return two numbers and their difference with its interval, or nothing."""
    if not row["difference"]:
        return ""
    first, second = (
        f"{name}: {float(row[column]):.3g}".removeprefix(": ")
        for name, column in zip(names, (a, b), strict=True)
    )
    shown = f"{float(row['difference']):+.3g}"
    if row["low"]:
        shown += f" ({float(row['low']):+.3g} to {float(row['high']):+.3g})"
    return f"{first} against {second}, difference {shown} {unit}".rstrip()


def _without_shared_end(a: str, b: str) -> tuple[tuple[str, str], str]:
    """Tell once what both names end with: "3.2, ilium" and "3.1, ilium"."""
    (first, comma, end), (second, _, other) = (name.partition(", ") for name in (a, b))
    return ((first, second), comma + end) if end == other else ((a, b), "")


def _who(unit: str) -> str:
    """Call subjects by what they are."""
    return "infants" if unit == "subjects" else unit


_READERS: dict[str, Callable[[dict[str, str]], Part]] = {
    "segmentation_claims": _segmentation,
    "motion_claims": _motion,
    "motion_factor_verdicts": _factors,
    "motion_factor_effects": _effects,
    "hip_claims": _hips,
}
