"""Where the limits of grading come from: training truth, within fixed ranges.

Decides which measures of a structure are judged, which failure and severity a broken rule
stands for, and how its limit follows from label volumes of training truth. Pass training
subjects only: a limit set on a volume that is judged later would judge itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hipus.segmentation.grading import GradingRules, Rule
from hipus.segmentation.structure_shape import StructureShape

_HEAD = "femoral_head"
_TRUTH, _FIXED = "training truth", "fixed"


@dataclass(frozen=True)
class GradingChoices:
    """What is fixed before any truth is looked at.

    Attributes
    ----------
    quantile : float
        Share of training volumes at each end that a limit from truth may leave out.
    tolerance : float
        How far beyond that quantile a volume, length or streak share still counts as whole.
    severe_factor : float
        Less than this share of a lower limit (more than its inverse of an upper one) breaks
        the rule of the same name that makes a volume insufficient.
    least_share : float
        A volume or length below this share of the training median is never whole.
    missing_share : float
        A structure below this share of its median training volume counts as missing.
    stray_share : float
        Volume outside its largest piece that any structure may have.
    hole_share, severe_hole_share : float
        Enclosed volume / volume that is no hole yet, and that makes a volume insufficient.
    gap_mm : (float, float)
        Least and most that the limit of empty slices within a structure may be.
    severe_gap_mm : float
    streak_share : float
        Flicker along the sweep that any structure may show.
    overlap : (float, float)
        Least and most that the limit of the head's Dice with its ellipsoid may be.
    severe_overlap : float
    axis_ratio : (float, float)
        Least and most that the limit of the head's longest / shortest axis may be; a
        neonate's head is a ball or an ovoid.
    severe_axis_ratio : float
    jump_mm : (float, float)
        Least and most that the limit of the head's move from slice to slice may be.
    severe_jump_mm : float

    Notes
    -----
    Where a range is given, the training truth decides within it: a damaged training volume
    must not allow every later volume the same damage.
    """

    quantile: float = 0.05
    tolerance: float = 0.2
    severe_factor: float = 0.5
    least_share: float = 0.5
    missing_share: float = 0.1
    stray_share: float = 0.05
    hole_share: float = 0.01
    severe_hole_share: float = 0.1
    gap_mm: tuple[float, float] = (1.0, 2.0)
    severe_gap_mm: float = 4.0
    streak_share: float = 0.01
    overlap: tuple[float, float] = (0.93, 0.97)
    severe_overlap: float = 0.85
    axis_ratio: tuple[float, float] = (1.15, 1.3)
    severe_axis_ratio: float = 1.6
    jump_mm: tuple[float, float] = (0.75, 1.5)
    severe_jump_mm: float = 3.0

    def __post_init__(self) -> None:
        """Raise if a number is out of range."""
        for name, most in (("quantile", 0.5), ("tolerance", 1.0), ("severe_factor", 1.0)):
            value = getattr(self, name)
            if not 0 < value < most:
                raise ValueError(f"{name} must be between 0 and {most}, got {value}")
        for name in ("gap_mm", "overlap", "axis_ratio", "jump_mm"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise ValueError(
                    f"{name} must be a rising pair of positive numbers, got {low, high}"
                )


def rules_from_truth(
    volumes: Sequence[Sequence[StructureShape]], *, choices: GradingChoices | None = None
) -> GradingRules:
    """Set all limits from the shapes of training truth.

    Parameters
    ----------
    volumes : sequence of sequence of StructureShape
        Of each training volume of one kind of sweep, `measure_structures` of its truth: the
        kinds show different parts of a hip and must not share limits.
    choices : GradingChoices, optional

    Returns
    -------
    GradingRules

    Raises
    ------
    ValueError
        If there are no volumes, they hold different structures, or no volume has one of them.

    Notes
    -----
    Limits depend on the voxel size through streaks and jumps from slice to slice: grade at
    the spacing of the truth. With n volumes the 5 % quantile lies between the two smallest
    for n < 21 (linear interpolation), which is why a tolerance stands beside it.
    """
    choices = choices or GradingChoices()
    names = _common_structures(volumes)
    rules = []
    for place, name in enumerate(names):
        truth = [shapes[place] for shapes in volumes if shapes[place].component_count]
        if not truth:
            raise ValueError(f"volumes must show {name} at least once, got {len(volumes)} without")
        rules += _size_rules(name, truth, choices) + _wholeness_rules(name, truth, choices)
        if name == _HEAD:
            rules += _head_rules(truth, choices)
    return GradingRules(tuple(rules), len(volumes))


def _common_structures(volumes) -> list[str]:
    """Return the structures of all volumes, in order."""
    if not len(volumes):
        raise ValueError("volumes must hold at least one training volume, got none")
    names = [[shape.structure for shape in shapes] for shapes in volumes]
    different = [found for found in names if found != names[0]]
    if different:
        raise ValueError(
            f"volumes must hold the same structures, got {names[0]} and {different[0]}"
        )
    return names[0]


def _quantile(truth, measure: str, at: float) -> float:
    """Return a quantile of one measure over the volumes that have it."""
    return float(np.nanquantile([getattr(shape, measure) for shape in truth], at))


def _within(value: float, low: float = -np.inf, high: float = np.inf) -> tuple[float, str]:
    """Return a limit from truth kept within a fixed range, and which of the two decided."""
    kept = min(max(value, low), high)
    return kept, _TRUTH if kept == value else _FIXED


def _pair(
    structure: str, ending: str, measure: str, *, bound: str, failure: str, limit, severe
) -> list[Rule]:
    """Return a rule and its severe twin; limits are (value, origin)."""
    name = f"{structure}_{ending}"
    return [
        Rule(name, structure, measure, bound, limit[0], "adequate", failure, limit[1]),
        Rule(
            f"{name}_severe",
            structure,
            measure,
            bound,
            severe[0],
            "insufficient",
            failure,
            severe[1],
        ),
    ]


def _size_rules(name: str, truth, choices: GradingChoices) -> list[Rule]:
    """Return the rules on how much of a structure is there."""
    missing = choices.missing_share * _quantile(truth, "volume_mm3", 0.5)
    incomplete = "deformed_head" if name == _HEAD else "incomplete_bone"
    rules = [
        Rule(
            f"{name}_present",
            name,
            "volume_mm3",
            "at_least",
            missing,
            "insufficient",
            "missing_structure",
            _TRUTH,
        )
    ]
    factor = choices.severe_factor
    for ending, measure in (("volume", "volume_mm3"), ("length", "extent_z_mm")):
        truth_least = (1 - choices.tolerance) * _quantile(truth, measure, choices.quantile)
        floor = choices.least_share * _quantile(truth, measure, 0.5)
        least, origin = _within(truth_least, floor)
        limits = {"limit": (least, origin), "severe": (factor * least, origin)}
        rules += _pair(name, ending, measure, bound="at_least", failure=incomplete, **limits)
    most = (1 + choices.tolerance) * _quantile(truth, "volume_mm3", 1 - choices.quantile)
    limits = {"limit": (most, _TRUTH), "severe": (most / factor, _TRUTH)}
    rules += _pair(name, "excess", "volume_mm3", bound="at_most", failure="excess_label", **limits)
    return rules


def _wholeness_rules(name: str, truth, choices: GradingChoices) -> list[Rule]:
    """Return the rules on pieces, holes, gaps and streaks of a structure."""
    low, high, beyond = choices.quantile, 1 - choices.quantile, 1 + choices.tolerance
    stray = beyond * (1 - _quantile(truth, "largest_component_share", low))
    share, origin = _within(1 - stray, high=1 - choices.stray_share)
    hole = _within(_quantile(truth, "hole_share", high), choices.hole_share)
    gap = _within(_quantile(truth, "slice_gap_mm", high), *choices.gap_mm)
    streaks = _within(beyond * _quantile(truth, "streak_share", high), choices.streak_share)
    rules = _pair(
        name,
        "pieces",
        "largest_component_share",
        bound="at_least",
        failure="discontinuity",
        limit=(share, origin),
        severe=(choices.severe_factor * share, origin),
    )
    for ending, measure, failure, limit, severe in (
        ("holes", "hole_share", "holes", hole, max(hole[0], choices.severe_hole_share)),
        ("gap", "slice_gap_mm", "discontinuity", gap, choices.severe_gap_mm),
        ("streaks", "streak_share", "discontinuity", streaks, np.inf),
    ):
        rules += _pair(
            name,
            ending,
            measure,
            bound="at_most",
            failure=failure,
            limit=limit,
            severe=(severe, _FIXED),
        )
    return [rule for rule in rules if np.isfinite(rule.limit)]  # streaks alone deform nothing


def _head_rules(truth, choices: GradingChoices) -> list[Rule]:
    """Return the rules on the form of the head and on the steadiness of its sections."""
    low, high = choices.quantile, 1 - choices.quantile
    rules = []
    for ending, measure, bound, at, allowed, severe, failure in (
        (
            "ovoid",
            "ellipsoid_overlap",
            "at_least",
            low,
            choices.overlap,
            choices.severe_overlap,
            "deformed_head",
        ),
        (
            "axes",
            "axis_ratio",
            "at_most",
            high,
            choices.axis_ratio,
            choices.severe_axis_ratio,
            "deformed_head",
        ),
        (
            "steady",
            "slice_jump_mm",
            "at_most",
            high,
            choices.jump_mm,
            choices.severe_jump_mm,
            "motion_artefact",
        ),
    ):
        limits = {
            "limit": _within(_quantile(truth, measure, at), *allowed),
            "severe": (severe, _FIXED),
        }
        rules += _pair(_HEAD, ending, measure, bound=bound, failure=failure, **limits)
    return rules
