"""How several operators agree on the same things: ICC(2,1) and reproducibility.

Decides which of the many coefficients are told, and that an ICC never stands without the spread
of its targets and the standard error of measurement. Deliberately takes balanced designs only,
and compares no two methods: that is `method_agreement`.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hipus.repeatability import COEFFICIENT_PER_SD, check_measurements

#: McGraw and Wong's name of Shrout and Fleiss's ICC(2,1), as pingouin writes it.
_ABSOLUTE_SINGLE = "ICC(A,1)"


@dataclass(frozen=True)
class IntraclassCorrelation:
    """ICC(2,1) with what it must be read beside.

    Attributes
    ----------
    icc, low, high : float
        Absolute agreement of single raters and its 95 % interval. The interval is NaN where
        raters agree to the last digit; all three where nothing differs at all.
    target_sd : float
        SD of the targets' means: the wider this spectrum, the higher the ICC of the same raters.
    standard_error_of_measurement : float
        SD of one rater's value of one target; it does not grow with the spectrum.
    target_count, rater_count : int
    """

    icc: float
    low: float
    high: float
    target_sd: float
    standard_error_of_measurement: float
    target_count: int
    rater_count: int


@dataclass(frozen=True)
class Reproducibility:
    """Variance components of measurements by several operators.

    Attributes
    ----------
    item_sd, operator_sd, interaction_sd, repeat_sd : float
        0 where ANOVA gives a negative component. Without repeats the interaction is NaN: it
        cannot be told from `repeat_sd` and is within it.
    reproducibility_sd : float
        Of one measurement by any operator: root of the sum of all but the items' variance.
    coefficient : float
        1.96 sqrt(2) reproducibility_sd.
    item_count, operator_count, repeat_count : int
    """

    item_sd: float
    operator_sd: float
    interaction_sd: float
    repeat_sd: float
    reproducibility_sd: float
    coefficient: float
    item_count: int
    operator_count: int
    repeat_count: int


def intraclass_correlation(
    table: pd.DataFrame, value: str, *, target: str, rater: str
) -> IntraclassCorrelation:
    """Return the ICC(2,1) of raters who each rated every target once.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per rating.
    value, target, rater : str
        Columns: what was measured, of which hip, by whom (or in which sweep).

    Returns
    -------
    IntraclassCorrelation

    Raises
    ------
    ValueError
        If a column is missing, a value is not finite, the design is not balanced (every rater
        every target, once), or fewer than 3 targets or 2 raters are there.

    Notes
    -----
    Two-way random effects, absolute agreement, single rater (Shrout and Fleiss 1979; interval of
    McGraw and Wong 1996), by pingouin. Standard error of measurement: root of the raters' and
    the residual variance (de Vet et al. 2006). Trap: the interval takes targets for independent;
    two hips of one infant are less than that.
    """
    cube = _balanced(table, value, item=target, operator=rater)
    if cube.shape[2] != 1:
        raise ValueError(f"each {rater} must rate each {target} once, got {cube.shape[2]} times")
    if cube.shape[0] < 3:
        raise ValueError(f"an ICC needs at least 3 {target}, got {cube.shape[0]}")
    ratings = cube[:, :, 0]
    icc, low, high = _pingouin_icc(ratings)
    found = _components(cube)
    return IntraclassCorrelation(
        icc=icc,
        low=low,
        high=high,
        target_sd=float(ratings.mean(axis=1).std(ddof=1)),
        standard_error_of_measurement=found.reproducibility_sd,
        target_count=cube.shape[0],
        rater_count=cube.shape[1],
    )


def reproducibility(
    table: pd.DataFrame, value: str, *, item: str, operator: str
) -> Reproducibility:
    """Return what operators add to the scatter of repeated measurements.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per measurement; every operator measured every item equally often.
    value, item, operator : str
        Columns.

    Returns
    -------
    Reproducibility

    Raises
    ------
    ValueError
        As `intraclass_correlation`, but repeats are welcome and 2 items do.

    Notes
    -----
    Two-way random effects with interaction; components from expected mean squares (Burdick,
    Borror and Montgomery 2003; reproducibility as of ISO 5725-2). Trap: few operators know their
    own component badly (3 operators: 2 degrees of freedom), so it stands without an interval.
    """
    return _components(_balanced(table, value, item=item, operator=operator))


def _balanced(table: pd.DataFrame, value: str, *, item: str, operator: str) -> np.ndarray:
    """Return the values (items, operators, repeats) of a balanced design."""
    check_measurements(table, value, keys=[item, operator])
    counts = table.groupby([item, operator], observed=True)[value].count().unstack(fill_value=0)
    if min(counts.shape) < 2:
        raise ValueError(
            f"{value}: needs at least 2 {item} and 2 {operator}, got {counts.shape[0]} and "
            f"{counts.shape[1]}"
        )
    usual = int(counts.stack().mode()[0])
    odd = counts.stack()[lambda count: count != usual]
    if len(odd):
        raise ValueError(
            f"{value}: design must be balanced, every {operator} every {item} equally often; "
            f"{item} {odd.index[0][0]} by {operator} {odd.index[0][1]} has {odd.iloc[0]} values, "
            f"most have {usual}, and {len(odd) - 1} more differ"
        )
    ordered = table.sort_values([item, operator], kind="stable")[value].to_numpy(float)
    return ordered.reshape(*counts.shape, usual)


def _components(cube: np.ndarray) -> Reproducibility:
    """Return variance components of values (items, operators, repeats)."""
    items, operators, repeats = cube.shape
    centred = cube - cube.mean()
    item = centred.mean(axis=(1, 2))
    operator = centred.mean(axis=(0, 2))
    cell = centred.mean(axis=2)
    apart = cell - item[:, None] - operator
    ms_item = operators * repeats * (item**2).sum() / (items - 1)
    ms_operator = items * repeats * (operator**2).sum() / (operators - 1)
    ms_cell = repeats * (apart**2).sum() / ((items - 1) * (operators - 1))
    repeat, interaction = ms_cell, np.nan
    if repeats > 1:
        repeat = ((centred - cell[:, :, None]) ** 2).sum() / (items * operators * (repeats - 1))
        interaction = max((ms_cell - repeat) / repeats, 0.0)
    between = max((ms_operator - ms_cell) / (items * repeats), 0.0)
    among = max((ms_item - ms_cell) / (operators * repeats), 0.0)
    total = np.sqrt(between + np.nan_to_num(interaction) + repeat)
    sds = (float(np.sqrt(part)) for part in (among, between, interaction, repeat))
    return Reproducibility(*sds, float(total), float(COEFFICIENT_PER_SD * total), *cube.shape)


def _pingouin_icc(ratings: np.ndarray) -> tuple[float, float, float]:
    """Return ICC(2,1) and its 95 % interval of ratings (targets, raters)."""
    import pingouin  # seconds, only where something is tested

    targets, raters = np.indices(ratings.shape)
    long = pd.DataFrame({"target": targets.ravel(), "rater": raters.ravel()})
    long["rating"] = ratings.ravel()
    with _unrounded(pingouin.options), np.errstate(divide="ignore", invalid="ignore"):
        rows = pingouin.intraclass_corr(long, targets="target", raters="rater", ratings="rating")
    row = rows.set_index("Type").loc[_ABSOLUTE_SINGLE]
    return float(row["ICC"]), float(row["CI95"][0]), float(row["CI95"][1])


@contextlib.contextmanager
def _unrounded(options: dict):
    """Keep pingouin from rounding the interval to 2 digits, for as long as it is asked."""
    name = "round.column.CI95"
    before = options[name]
    options[name] = None
    try:
        yield
    finally:
        options[name] = before
