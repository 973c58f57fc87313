"""Recompute what Table 4's eight cases say that the paper does not print.

Decides which cases Table 3 averages, which direction its surface distance has, and what the
column headed Hausdorff distance can be. Deliberately uses nothing but printed numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from hipus.published import tables
from hipus.published.audit import CheckVerdict
from hipus.published.rounding import Check, holds

STRUCTURES = ("bone_cortex", "femoral_head", "ilium", "co_border")

_HALF_3_DIGITS = 0.5e-3
_HALF_4_DIGITS = 0.5e-4
_SPACING_MM = 0.2483
_STEP_MM = 2e-7


@dataclass(frozen=True)
class SplitFit:
    """How well Table 4, split into two times four cases, gives Table 3.

    Attributes
    ----------
    proximal_distal : tuple of str
        Cases of the best split called proximal-distal.
    worst : float
        Its largest deviation over both orientations and four structures.
    next_best : float
        The largest deviation of the second best split.
    n_fitting : int
        Splits whose deviations are all within rounding.
    """

    proximal_distal: tuple[str, ...]
    worst: float
    next_best: float
    n_fitting: int


def checks() -> list[Check]:
    """Recompute the checks on the cases of Table 4.

    Returns
    -------
    list of Check
    """
    return [*_orientations(), balanced_orientations(), hausdorff_lattice(), hausdorff_zeros()]


def cases(column: str) -> pd.DataFrame:
    """Return the eight cases of Table 4.

    Parameters
    ----------
    column : str
        "dice", "hd_mm", "asd_gt_to_pred_mm" or "asd_pred_to_gt_mm".

    Returns
    -------
    pandas.DataFrame
        Rows are cases "1" to "8", columns the four structures.
    """
    frame = tables.load("midl_table4")
    frame = frame[frame["is_printed_mean_row"] == "0"]
    return frame.pivot(index="case", columns="structure", values=column)[list(STRUCTURES)]


def fit_orientations(
    case_values: pd.DataFrame, metric: str, *, group_sizes: Sequence[int] = (4,)
) -> SplitFit:
    """Try every way to call some of the eight cases proximal-distal and the others not.

    Parameters
    ----------
    case_values : pandas.DataFrame
        (8, 4) from `cases`.
    metric : str
        Metric of Table 3: "dice", "hd_mm" or "asd_mm".
    group_sizes : sequence of int
        Sizes of the proximal-distal group to try, each 1 to 7; four gives 70 splits.

    Returns
    -------
    SplitFit

    Notes
    -----
    Table 3 does not say which cases it averages. A split fits if all eight means are within
    half a unit of the third digit, plus half a unit of the fourth for Table 4's rounding.
    """
    table3 = tables.load("midl_table3")
    table3 = table3[table3["metric"] == metric]
    table3 = table3.pivot(index="sweep_orientation", columns="structure", values="value")
    target = table3.loc[["proximal_distal", "posterior_anterior"], list(STRUCTURES)].to_numpy()
    values = case_values.to_numpy()
    worst = {}
    for size in group_sizes:
        for chosen in combinations(range(len(values)), size):
            rest = np.delete(values, chosen, axis=0)
            means = np.stack([values[list(chosen)].mean(axis=0), rest.mean(axis=0)])
            worst[chosen] = float(np.abs(means - target).max())
    best, runner_up = sorted(worst, key=worst.get)[:2]
    fitting = sum(value <= _HALF_3_DIGITS + _HALF_4_DIGITS for value in worst.values())
    names = tuple(case_values.index[list(best)])
    return SplitFit(names, worst[best], worst[runner_up], fitting)


def balanced_orientations() -> Check:
    """Check that Table 4 has as many proximal-distal as posterior-anterior cases.

    Returns
    -------
    Check
        Consistent if, of all 254 splits of any size, one fits Table 3, and it is even.
    """
    values = cases("dice")
    fit = fit_orientations(values, "dice", group_sizes=range(1, len(values)))
    n_first = len(fit.proximal_distal)
    computed = f"{n_first} + {len(values) - n_first}; splits of any size that fit: {fit.n_fitting}"
    even = fit.n_fitting == 1 and 2 * n_first == len(values)
    return Check("A062", computed, "balanced coverage", holds(even))


def hausdorff_lattice() -> Check:
    """Check that every printed Hausdorff distance joins two points of one voxel lattice.

    Returns
    -------
    Check

    Notes
    -----
    A distance between voxel centres is the spacing times the root of a sum of three
    squares. The spacing is printed to four digits, so the interval that rounds to it is
    searched for the value at which most distances fit to their last digit; the best value
    is thus known better than it is printed. Legendre: no sum of three squares is of the
    form 4^a (8 b + 7).
    """
    distances_mm = cases("hd_mm").to_numpy().ravel()
    squares = np.arange(int(distances_mm.max() / _SPACING_MM) + 2) ** 2
    sums = np.unique(np.add.outer(np.add.outer(squares, squares), squares))
    candidates_mm = np.arange(_SPACING_MM - _HALF_4_DIGITS, _SPACING_MM + _HALF_4_DIGITS, _STEP_MM)
    counts = [_on_lattice(distances_mm, spacing_mm, sums) for spacing_mm in candidates_mm]
    best_mm = candidates_mm[np.flatnonzero(np.equal(counts, max(counts)))]
    computed = (
        f"{max(counts)} of {len(distances_mm)} values on the lattice "
        f"for a spacing of {best_mm.min():.7f} to {best_mm.max():.7f} mm"
    )
    return Check("A024", computed, str(_SPACING_MM), holds(max(counts) == len(distances_mm)))


def hausdorff_zeros() -> Check:
    """Check that a printed Hausdorff distance of zero goes with identical masks.

    Returns
    -------
    Check
        Inconsistent if a zero stands beside a Dice below 1 or a positive surface distance:
        then the column is no maximum distance (a 95th percentile would fit).
    """
    zero = cases("hd_mm").to_numpy() == 0
    differs = cases("dice").to_numpy() < 1
    for column in ("asd_gt_to_pred_mm", "asd_pred_to_gt_mm"):
        differs |= cases(column).to_numpy() > 0
    computed = (
        f"{zero.sum()} entries with HD 0.0000, of which {(zero & differs).sum()} have ASD > 0 "
        f"or Dice < 1 (smallest Dice {cases('dice').to_numpy()[zero].min():.4f})"
    )
    return Check("A025", computed, "Hausdorff distance", holds(not (zero & differs).any()))


def _orientations() -> list[Check]:
    """Find the cases and the direction of distance that Table 3 averages."""
    to_prediction, to_truth = cases("asd_gt_to_pred_mm"), cases("asd_pred_to_gt_mm")
    attempts = (
        ("A016", cases("dice"), "dice"),
        ("A017", cases("hd_mm"), "hd_mm"),
        ("A018", to_prediction, "asd_mm"),
        ("A019", to_truth, "asd_mm"),
        ("A020", (to_prediction + to_truth) / 2, "asd_mm"),
    )
    return [_orientation(check_id, values, metric) for check_id, values, metric in attempts]


def _orientation(check_id: str, values: pd.DataFrame, metric: str) -> Check:
    """Describe the fit of one metric; no fitting split means Table 3 is not about it."""
    fit = fit_orientations(values, metric)
    computed = (
        f"best split: proximal-distal = cases {' '.join(fit.proximal_distal)}; worst deviation "
        f"{fit.worst:.5f}; next best split {fit.next_best:.4f}; splits that fit: {fit.n_fitting}"
    )
    verdict = CheckVerdict.CONSISTENT if fit.n_fitting == 1 else CheckVerdict.NOT_CHECKABLE
    return Check(check_id, computed, "Table 3 values (3 digits)", verdict)


def _on_lattice(distances_mm: np.ndarray, spacing_mm: float, sums: np.ndarray) -> int:
    """Count distances within half a printed unit of a lattice distance."""
    lattice_mm = spacing_mm * np.sqrt(sums)
    nearest = np.abs(distances_mm[:, None] - lattice_mm).min(axis=1)
    return int((nearest <= _HALF_4_DIGITS + 1e-9).sum())
