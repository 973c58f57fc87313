"""What drift does to the angle: the paper's conjectures asked with numbers. No stage of its own.

Decides what drift costs: how far alpha by other poses is from alpha of the same sweep by true
poses and the same kind of masks, so that labels and the method cost nothing here. Decides what
is asked: whether global drift harms, whether local does, where harm begins, and whether poses
from pictures hold the shape near the head better than a tracker misled by the infant's motion.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hipus.mixed_models import fit_mixed
from hipus.seeds import generator
from hipus.stages.hip_cells import DRIFT, MODEL_MASKS, PREDICTED, ROUNDED, TRUTH_MASKS
from hipus.stages.hip_error_tables import median_by_subject
from hipus.statistics import bootstrap_mean_by_subject, paired_difference_by_subject

#: An added error of this much is harm: about what two readings of one sonogram differ by.
HARM_DEG = 2.0
#: Poses that drift.
MOVED = ("tracked", PREDICTED, ROUNDED)
#: Sweeps that drift further at their end are no moderate drift: a probe was taken for turned, mm.
MODERATE_MM = 20.0
#: No slope over the infant's motion where that differs by less, mm.
LEAST_SPREAD_MM = 0.5
SWEEP = ["subject_id", "sweep_id", "masks"]
#: Edges of drift, mm.
EDGES_MM = {"final_drift_mm": (0.0, 1.0, 2.0, 4.0, 8.0, np.inf),
            "head_shape_mm": (0.0, 0.15, 0.3, 0.45, 0.6, 0.9, np.inf)}  # fmt: skip
FACTORS = ("final_drift_mm", "head_shape_mm", "is_p_d", "is_dysplastic", "infant_moved_mm",
           "is_left")  # fmt: skip
ADDED_COLUMNS = [*SWEEP, "side", "sweep_type", "cohort", "truth_variant", "poses", "alpha_deg",
                 "alpha_by_true_poses_deg", "added_deg", *DRIFT, "infant_moved_mm"]  # fmt: skip
MODEL_COLUMNS = ["masks", "poses", "outcome", "name", "coefficient", "standard_error", "low",
                 "high", "p", "method", "is_converged", "note", "group_variance",
                 "residual_variance", "row_count", "group_count"]  # fmt: skip
BIN_COLUMNS = ["masks", "poses", "drift", "from_mm", "to_mm", "sweep_count", "subject_count",
               "median_added_deg", "low", "high", "harmed_share"]  # fmt: skip
MOTION_COLUMNS = ["variant", "poses", "sweep_count", "subject_count", "mean_shape_mm", "low",
                  "high", "less_than_tracked_mm", "less_low", "less_high",
                  "slope_per_moved_mm"]  # fmt: skip
CLAIM_COLUMNS = ["claim", "asked", "found", "verdict"]
HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"


def added_table(errors: pd.DataFrame, moved_mm: pd.Series) -> pd.DataFrame:
    """Return by how much other poses change alpha.

    Parameters
    ----------
    errors : pandas.DataFrame
        Test rows of `hip_intervals.apply`.
    moved_mm : pandas.Series
        How far the infant moved, by (subject_id, sweep_id).

    Returns
    -------
    pandas.DataFrame
        A row per sweep, masks and poses other than true ones; added_deg is the absolute
        difference, NaN where either alpha was refused.
    """
    rows = errors[(errors.measure == "alpha_deg") & errors.masks.isin([TRUTH_MASKS, MODEL_MASKS])]
    true = rows[rows.poses == "true"].set_index(SWEEP).value.rename("alpha_by_true_poses_deg")
    rows = rows[rows.poses.isin(MOVED)]
    rows = rows.join(true, on=SWEEP).rename(columns={"value": "alpha_deg"})
    rows = rows.join(moved_mm.rename("infant_moved_mm"), on=SWEEP[:2])
    away = (rows.alpha_deg - rows.alpha_by_true_poses_deg).abs()
    return rows.assign(added_deg=away).reindex(columns=ADDED_COLUMNS).reset_index(drop=True)


def model_table(added: pd.DataFrame) -> pd.DataFrame:
    """Return the mixed model of the added error, with the subject as random effect.

    Parameters
    ----------
    added : pandas.DataFrame

    Returns
    -------
    pandas.DataFrame
        A row per term, of sweeps that drift by `MODERATE_MM` at most: further ones, few and far
        out, would decide a slope alone. `FACTORS` that do not vary or follow from others are
        left out.
    """
    added = added[added.final_drift_mm <= MODERATE_MM]
    rows = added.assign(
        is_p_d=(added.sweep_type == "p_d").astype(float),
        is_dysplastic=(added.cohort == "dysplastic").astype(float),
        is_left=(added.side == "left").astype(float),
    )
    parts = []
    for (masks, poses), part in rows.groupby(["masks", "poses"]):
        part = part.dropna(subset=["added_deg", *FACTORS])
        factors = _telling(part)
        if part.subject_id.nunique() < 3 or len(part) < 3 * (len(factors) + 1):
            continue
        fit = fit_mixed(part, "added_deg", factors=factors, group="subject_id")
        parts.append(fit.table().assign(masks=masks, poses=poses, outcome="added_deg"))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return table.reindex(columns=MODEL_COLUMNS)


def _telling(rows: pd.DataFrame) -> list[str]:
    """Return the factors that vary, each beside those before it."""
    kept, columns = [], [np.ones(len(rows))]
    for name in FACTORS:
        more = [*columns, rows[name].to_numpy(float)]
        lengths = np.maximum(np.linalg.norm(more, axis=1, keepdims=True), 1e-300)
        if np.linalg.matrix_rank(np.array(more) / lengths) == len(more):
            kept, columns = [*kept, name], more
    return kept


def bin_table(added: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return the added error by how much poses drift, over all and near the head."""
    rows = []
    for (masks, poses), part in added.dropna(subset="added_deg").groupby(["masks", "poses"]):
        for drift, edges in EDGES_MM.items():
            for low, high in zip(edges[:-1], edges[1:], strict=True):
                one = part[(part[drift] >= low) & (part[drift] < high)]
                if one.empty:
                    continue
                rng = generator(seed, "hip_drift_bins", masks, poses, drift, str(low))
                found = median_by_subject(
                    one.added_deg, one.subject_id, rng=rng, resamples=resamples
                )
                rows.append(
                    {"masks": masks, "poses": poses, "drift": drift, "from_mm": low,
                     "to_mm": high, "sweep_count": len(one),
                     "subject_count": one.subject_id.nunique(),
                     "median_added_deg": found.value, "low": found.low, "high": found.high,
                     "harmed_share": (one.added_deg > HARM_DEG).mean()}
                )  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=BIN_COLUMNS)


def motion_table(added: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return the error of shape near the head, with and without motion of the infant.

    Parameters
    ----------
    added : pandas.DataFrame
    seed, resamples : int

    Returns
    -------
    pandas.DataFrame
        A row per variant of sweeps and poses: mean error of shape, how much less it is than by
        tracked poses of the same sweeps (positive: better than the tracker), and its slope over
        how far the infant moved.
    """
    shapes = added[added.masks == MODEL_MASKS].dropna(subset="head_shape_mm")
    wide = shapes.pivot_table(
        index=["truth_variant", "subject_id", "sweep_id", "infant_moved_mm"], columns="poses",
        values="head_shape_mm",
    ).reindex(columns=MOVED).dropna().reset_index()  # fmt: skip
    rows = []
    for variant, part in wide.groupby("truth_variant"):
        for poses in MOVED:
            options = {"resamples": resamples, "rng": generator(seed, "motion", variant, poses)}
            mean = bootstrap_mean_by_subject(part[poses], part.subject_id, **options)
            less = paired_difference_by_subject(
                part.tracked, part[poses], subjects=part.subject_id, **options
            )
            spread = np.ptp(part.infant_moved_mm) > LEAST_SPREAD_MM
            slope = np.polyfit(part.infant_moved_mm, part[poses], 1)[0] if spread else np.nan
            rows.append(
                {"variant": variant, "poses": poses, "sweep_count": len(part),
                 "subject_count": mean.subject_count, "mean_shape_mm": mean.mean,
                 "low": mean.low, "high": mean.high, "less_than_tracked_mm": less.mean,
                 "less_low": less.low, "less_high": less.high, "slope_per_moved_mm": slope}
            )  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=MOTION_COLUMNS)


def claim_table(model: pd.DataFrame, bins: pd.DataFrame, motion: pd.DataFrame) -> pd.DataFrame:
    """Return the paper's conjectures with what was found.

    Parameters
    ----------
    model, bins, motion : pandas.DataFrame
        As this module makes them.

    Returns
    -------
    pandas.DataFrame
        Verdicts are of poses as they were predicted and of model 3.2's masks.
    """
    rows = [_global_drift(model), _local_drift(model), _onset(bins), _compensation(motion)]
    return pd.DataFrame([row for row in rows if row]).reindex(columns=CLAIM_COLUMNS)


def _term(model: pd.DataFrame, name: str) -> pd.Series | None:
    rows = model[(model.masks == MODEL_MASKS) & (model.poses == PREDICTED) & (model.name == name)]
    return None if rows.empty or not rows.iloc[0].is_converged else rows.iloc[0]


def _per_mm(term) -> str:
    return f"{term.coefficient:+.2f} deg per mm ({term.low:+.2f} to {term.high:+.2f})"


def _global_drift(model: pd.DataFrame) -> dict:
    """Judge whether drift at the sweep's end harms where drift near the head is held."""
    term = _term(model, "final_drift_mm")
    if term is None:
        return {}
    # Harmless: even the upper end adds less than harm over a drift of 4 mm, a usual one.
    verdict = HOLDS if 4 * term.high < HARM_DEG else FAILS if term.low > 0 else UNDECIDED
    asked = "moderate global drift need not harm local angles (drift near the head held)"
    return dict(zip(CLAIM_COLUMNS, ("global drift", asked, _per_mm(term), verdict), strict=True))


def _local_drift(model: pd.DataFrame) -> dict:
    """Judge whether the shape near the head is what harms."""
    term = _term(model, "head_shape_mm")
    if term is None:
        return {}
    verdict = HOLDS if term.low > 0 else FAILS if term.high < 0 else UNDECIDED
    asked = "distortion near the head is what harms angles (global drift held)"
    return dict(zip(CLAIM_COLUMNS, ("local drift", asked, _per_mm(term), verdict), strict=True))


def _onset(bins: pd.DataFrame) -> dict:
    """Say from which drift on the median added error is harm, in every bin that was met."""
    rows = bins[(bins.masks == MODEL_MASKS) & (bins.poses == PREDICTED)]
    if rows.empty:
        return {}
    told = []
    for drift, part in rows.groupby("drift"):
        part = part.sort_values("from_mm", ascending=False)
        over = part[(part.median_added_deg > HARM_DEG).cummin()]
        name = drift.removesuffix("_mm").replace("_", " ")
        told.append(f"{name} from {over.from_mm.iloc[-1]:g} mm on" if len(over)
                    else f"{name}: at no drift that was met")  # fmt: skip
    asked = f"the drift at which the median change of alpha exceeds {HARM_DEG:g} deg"
    return dict(zip(CLAIM_COLUMNS, ("where harm begins", asked, "; ".join(told), "measured"),
                    strict=True))  # fmt: skip


def _compensation(motion: pd.DataFrame) -> dict:
    """Judge whether pictures hold the shape better than a misled tracker as infants move more."""
    rows = motion[motion.variant == "restless"].set_index("poses")
    if PREDICTED not in rows.index:
        return {}
    row = rows.loc[PREDICTED]
    verdict = HOLDS if row.less_low > 0 else FAILS if row.less_high < 0 else UNDECIDED
    told = (f"restless infants: shape error {rows.loc['tracked'].mean_shape_mm:.2f} mm tracked, "
            f"{row.mean_shape_mm:.2f} mm predicted; {row.less_than_tracked_mm:+.2f} mm less "
            f"({row.less_low:+.2f} to {row.less_high:+.2f}), {row.sweep_count:.0f} sweeps of "
            f"{row.subject_count:.0f} infants")  # fmt: skip
    asked = "poses from pictures partly make up for motion that misleads the tracker"
    return dict(zip(CLAIM_COLUMNS, ("infant motion", asked, told, verdict), strict=True))
