"""Intervals of a section's measures: what they would be had the labels been drawn otherwise.

Decides what a plausible other label is: every outline pushed about by a smooth random field of a
given SD and correlation length, each structure by its own. How large that SD is (between raters,
between a network and its raters) is the caller's knowledge. Deliberately moves no plane and no
pose: those errors come on top.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hipus.morphometry.graf_section import UNITS, SectionMeasures, measure_contours
from hipus.morphometry.measures import Measure, refused
from hipus.morphometry.section_contours import SectionContours, SectionRefused, find_contours

#: A measure that fewer of the drawn labels allow is refused: it hangs by a thread.
LEAST_SHARE = 0.5
_WAVES = 48


def measure_with_intervals(
    labels,
    *,
    scheme: str,
    spacing_yx_mm: tuple[float, float] | None,
    sd_mm: float,
    rng: np.random.Generator,
    correlation_mm: float = 4.0,
    draws: int = 200,
    level: float = 0.95,
) -> SectionMeasures:
    """Measure a label mask of one section, with an interval around every measure.

    Parameters
    ----------
    labels, scheme, spacing_yx_mm
        As in `measure_section`.
    sd_mm : float
        SD of a label's outline along each axis; without a spacing in units of which the head
        has `NOMINAL_HEAD_MM`.
    rng : numpy.random.Generator
    correlation_mm : float
        Length over which an outline errs alike. A rater's slip is some millimetres long
        (assumed).
    draws : int
        Number of drawn labels, at least 20.
    level : float
        Coverage aimed at, between 0 and 1.

    Returns
    -------
    SectionMeasures
        Of the labels as they are; measures have intervals, or are refused where fewer than
        `LEAST_SHARE` of the drawn labels have them.

    Raises
    ------
    ValueError
        As `measure_section`, or if a number is out of range.

    Notes
    -----
    The interval is the value plus the quantiles of the draws about their median: noise rounds
    corners and moves all draws alike, which says nothing of the spread.
    """
    _check(sd_mm, correlation_mm, draws, level)
    try:
        contours = find_contours(labels, scheme=scheme, spacing_yx_mm=spacing_yx_mm)
    except SectionRefused as why:
        return SectionMeasures(**{name: refused(str(why), unit) for name, unit in UNITS.items()})
    options = {"sd_mm": sd_mm, "correlation_mm": correlation_mm}
    drawn = [measure_contours(displace(contours, rng, **options)) for _ in range(draws)]
    measured = measure_contours(contours)
    found = {
        name: _with_interval(measure, [one.measures[name] for one in drawn], level)
        for name, measure in measured.measures.items()
    }
    return replace(measured, **found)


def _check(sd_mm: float, correlation_mm: float, draws: int, level: float) -> None:
    if not (np.isfinite(sd_mm) and sd_mm >= 0):
        raise ValueError(f"sd_mm must be >= 0, got {sd_mm}")
    if not (np.isfinite(correlation_mm) and correlation_mm > 0):
        raise ValueError(f"correlation_mm must be positive, got {correlation_mm}")
    if draws < 20:
        raise ValueError(f"draws must be at least 20, got {draws}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")


def displace(
    contours: SectionContours, rng: np.random.Generator, *, sd_mm: float, correlation_mm: float
) -> SectionContours:
    """Return outlines as another hand might have drawn them.

    Parameters
    ----------
    contours : SectionContours
    rng : numpy.random.Generator
    sd_mm, correlation_mm : float
        As in `measure_with_intervals`.

    Returns
    -------
    SectionContours
    """
    moved = {}
    for name in ("ilium_mm", "head_mm", "labrum_mm"):
        points = getattr(contours, name)
        if points is not None:
            moved[name] = points + sd_mm * smooth_field(points / correlation_mm, rng)
    return replace(contours, **moved)


def smooth_field(places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a smooth random field of two independent components at places.

    Parameters
    ----------
    places : numpy.ndarray (N, 2)
        In correlation lengths.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray (N, 2)
        Mean 0, SD 1, correlation exp(-distance^2 / 2).

    Notes
    -----
    A sum of waves of normal wave vectors (Rahimi & Recht 2007): its covariance is Gaussian, and
    it needs no grid.
    """
    waves = rng.standard_normal((2, 2 * _WAVES))
    phases = rng.uniform(0.0, 2 * np.pi, 2 * _WAVES)
    values = np.cos(places @ waves + phases).reshape(len(places), 2, _WAVES)
    return np.sqrt(2.0 / _WAVES) * values.sum(axis=2)


def _with_interval(measure: Measure, drawn: list[Measure], level: float) -> Measure:
    """Return a measure with the interval that its draws give."""
    if measure.value is None:
        return measure
    values = np.array([one.value for one in drawn if one.value is not None])
    if len(values) < LEAST_SHARE * len(drawn):
        share = 100 * len(values) / len(drawn)
        return refused(
            f"it hangs on single pixels: {share:.0f} % of equally plausible labels have it",
            measure.unit,
        )
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail]) - np.median(values)
    return replace(measure, lower=measure.value + float(low), upper=measure.value + float(high))
