"""One measured number with its unit and interval, or the sentence that says why there is none.

Decides that a measure is never a bare number and never half a number: it has a value or a
refusal, and an interval only around a value. Deliberately knows no definition of any measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True)
class Measure:
    """A value with unit and interval, or a refusal.

    Attributes
    ----------
    value : float or None
        None where the measure is refused.
    unit : str
        "deg", "percent", "mm", ...; "1" for a ratio.
    lower, upper : float or None
        Ends of the interval; None where no uncertainty was asked for. They are not clipped to
        the value: a skewed interval may lie on one side of it.
    refusal : str or None
        A sentence that names what is missing.

    Raises
    ------
    ValueError
        If there is not exactly one of value and refusal, a number is not finite, or an interval
        is incomplete, reversed, or stands beside a refusal.
    """

    value: float | None
    unit: str
    lower: float | None = None
    upper: float | None = None
    refusal: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is neither a number nor a refusal."""
        if (self.value is None) == (self.refusal is None):
            raise ValueError(
                f"a Measure needs exactly one of value and refusal, got value {self.value} and "
                f"refusal {self.refusal!r}"
            )
        if self.refusal is not None and not self.refusal.strip():
            raise ValueError("refusal must be a sentence that names what is missing, got ''")
        self._check_interval()

    def _check_interval(self) -> None:
        numbers = [one for one in (self.value, self.lower, self.upper) if one is not None]
        if not all(isfinite(one) for one in numbers):
            raise ValueError(f"a Measure must be finite, got {numbers}; refuse it instead")
        if (self.lower is None) != (self.upper is None):
            raise ValueError(
                f"an interval needs both ends, got lower {self.lower} and upper {self.upper}"
            )
        if self.lower is None:
            return
        if self.value is None:
            raise ValueError("a refused Measure must have no interval")
        if self.lower > self.upper:
            raise ValueError(f"lower must be <= upper, got {self.lower} and {self.upper}")

    @property
    def is_refused(self) -> bool:
        """Whether there is no value."""
        return self.value is None

    def __str__(self) -> str:
        """Return the measure as a person reads it."""
        if self.value is None:
            return f"refused: {self.refusal}"
        unit = {"1": "", "percent": " %"}.get(self.unit, f" {self.unit}")
        if self.lower is None:
            return f"{self.value:.1f}{unit}"
        return f"{self.value:.1f} ({self.lower:.1f} to {self.upper:.1f}){unit}"


def refused(why: str, unit: str) -> Measure:
    """Return a measure without a value.

    Parameters
    ----------
    why : str
        A sentence that names what is missing.
    unit : str

    Returns
    -------
    Measure
    """
    return Measure(value=None, unit=unit, refusal=why)


def as_json(measures: Mapping[str, Measure]) -> dict[str, dict[str, float | str | None]]:
    """Return measures as plain JSON: unit, interval and refusal stand beside every value.

    Parameters
    ----------
    measures : mapping of str to Measure

    Returns
    -------
    dict of str to dict
        Keys "value", "unit", "lower", "upper", "refusal", as the attributes of `Measure`; all
        are always there, null where they do not apply.
    """
    return {
        name: {
            "value": measure.value,
            "unit": measure.unit,
            "lower": measure.lower,
            "upper": measure.upper,
            "refusal": measure.refusal,
        }
        for name, measure in measures.items()
    }
