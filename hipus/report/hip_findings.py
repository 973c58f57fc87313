"""What is said of hips measured in untracked sweeps: all of it simulated.

Decides the sentences of notebook 10; every number in them is read from a saved table, and what
cannot be told apart from chance is never called better. Knows no figure and judges no measure.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hipus.report.wording import interval, number, told

#: The goal of untracked p_d sweeps, deg, by profile; smaller profiles have that of `small`.
GOAL_DEG = {"paper": 2.0}
LEAST_GOAL_DEG = 4.0
#: The goal of nominal 95 % intervals.
GOAL_SHARES = (0.90, 0.98)
MASKS = "model"
CONTROL, CONTROL_NAME = ("p_a", "best_frame"), "the best single p_a frame"
UNTRACKED = ("predicted", "rounded")
WAYS = tuple((kind, poses) for kind in ("p_a", "p_d")
             for poses in ("true", "tracked", *UNTRACKED))  # fmt: skip
GOAL_COLUMNS = ["goal", "found", "verdict"]
MET, MISSED, UNKNOWN = "met", "NOT MET", "not measured"
_TERMS = {"final_drift_mm": "drift of the last frame, mm", "head_shape_mm": "shape error, mm",
          "is_p_d": "p_d instead of p_a", "is_dysplastic": "a dysplastic hip",
          "infant_moved_mm": "the infant's motion, mm", "is_left": "a left hip"}  # fmt: skip


def goal_table(
    metrics: dict, coverage: pd.DataFrame, *, errors: pd.DataFrame, profile: str
) -> pd.DataFrame:
    """Return the goals with what was found, and whether they are met.

    Parameters
    ----------
    metrics : dict
        Of stage `hip_angles`.
    coverage, errors : pandas.DataFrame
        Tables `hip_interval_coverage` and `hip_errors`.
    profile : str

    Returns
    -------
    pandas.DataFrame
        goal, found, verdict: of alpha by rounded poses and masks of model 3.2, ordinary hips.
        Beside the median of what was measured stands that of all, refused ones infinitely off.
    """
    name = "alpha_p_d_rounded"
    known = {key: np.nan if value is None else value for key, value in metrics.items()}
    median, refused, own, less, low, high = (
        known.get(f"{name}_{key}", np.nan)
        for key in ("median_absolute_error_deg", "refused_share", "of_both_deg",
                    "less_control_deg", "less_control_low_deg", "less_control_high_deg")
    )  # fmt: skip
    control, share = known.get("alpha_control_of_both_deg", np.nan), overall_share(coverage)
    bound = GOAL_DEG.get(profile, LEAST_GOAL_DEG)
    rows = [
        (f"median absolute error of alpha from untracked p_d sweeps at most {bound:g} deg",
         f"{number(median, '.1f')} deg, {_percent(refused)} refused; "
         f"{number(_strict_median(errors), '.1f')} deg of all, refused ones infinitely off",
         _is_met(median <= bound, median)),
        ("that error below the best single p_a frame's on the same hips",
         f"{number(own, '.1f')} deg against {number(control, '.1f')} deg; difference of means "
         f"{number(less, '+.1f')} deg, {interval(low, high, '+.1f')}",
         _is_met(own < control, own)),
        (f"nominal 95 % intervals hold {100 * GOAL_SHARES[0]:.0f} to {100 * GOAL_SHARES[1]:.0f} %",
         f"{_percent(share)} of {coverage['row_count'].sum():.0f} truths",
         _is_met(GOAL_SHARES[0] <= share <= GOAL_SHARES[1], share)),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=GOAL_COLUMNS)


def _strict_median(errors: pd.DataFrame) -> float:
    """Return the median error of ordinary p_d sweeps by rounded poses, refused ones infinite."""
    is_it = (errors["cohort"] == "test") & (errors["truth_variant"] == "protocol")
    is_it &= (errors["sweep_type"] == "p_d") & (errors["poses"] == "rounded")
    rows = errors[is_it & (errors["masks"] == MASKS) & (errors["measure"] == "alpha_deg")]
    return float(rows["error"].abs().fillna(np.inf).median()) if len(rows) else np.nan


def _is_met(is_met: bool, value: float) -> str:
    return UNKNOWN if np.isnan(value) else MET if is_met else MISSED


def _percent(share: float) -> str:
    return f"{number(100 * share, '.0f')} %"


def _counted(count: float, word: str) -> str:
    return f"{count:.0f} {word}{'' if count == 1 else 's'}"


def spoken(way: tuple[str, str]) -> str:
    """Return a way of measuring in words."""
    return CONTROL_NAME if way == CONTROL else f"{way[0]}, {way[1]} poses"


def error_sentences(summary: pd.DataFrame, gain: pd.DataFrame, *, group: str) -> list[str]:
    """Return how far alpha is off by every way, and against the control of the same hips.

    Parameters
    ----------
    summary, gain : pandas.DataFrame
        Tables `hip_error_summary` and `hip_gain`.
    group : {"ordinary", "dysplastic", "all"}

    Returns
    -------
    list of str
        The control first; ways without a sweep are left out.
    """
    rows = _alpha(summary, group).set_index(["sweep_type", "poses"])
    gains = _alpha(gain, group).set_index(["first", "second"])
    sentences = []
    for way in (CONTROL, *WAYS):
        if way not in rows.index:
            continue
        row = rows.loc[way]
        said = f"{spoken(way)}: {number(row.median_absolute_error, '.1f')} deg"
        said += f" ({interval(row.low, row.high, '.1f')}), {_percent(row.refused_share)} refused, "
        said += f"n = {row.sweep_count:.0f}"
        pair = (" ".join(way), " ".join(CONTROL))
        sentences.append(said + (_against(gains.loc[pair]) if pair in gains.index else ""))
    return sentences


def _alpha(table: pd.DataFrame, group: str) -> pd.DataFrame:
    """Return the rows of alpha by the model's masks of one group."""
    is_it = (table["group"] == group) & (table["masks"] == MASKS)
    return table[is_it & (table["measure"] == "alpha_deg")]


def _against(row: pd.Series) -> str:
    """Return a comparison with the control in words."""
    word = told(row.low, row.high, above="worse than it", below="better than it",
                neither="not told apart from it")  # fmt: skip
    said = f"; where the control measures too (n = {row.hip_count:.0f}) "
    return said + f"{row.mean_difference:+.1f} deg ({interval(row.low, row.high, '+.1f')}): {word}"


def refusal_sentence(summary: pd.DataFrame, *, kind: str, group: str = "all") -> str:
    """Return whether drift lets through what true poses refuse.

    Parameters
    ----------
    summary : pandas.DataFrame
    kind : {"p_a", "p_d"}
    group : str

    Returns
    -------
    str
        Empty where a kind of poses was not measured.
    """
    rows = _alpha(summary, group)
    shares = rows[rows["sweep_type"] == kind].set_index("poses")["refused_share"]
    if not {"true", *UNTRACKED} <= set(shares.index):
        return ""
    known = [f"{name} {_percent(shares[name])}" for name in ("true", *UNTRACKED)]
    said = f"{kind}, refused by poses: {', '.join(known)}"
    if shares[list(UNTRACKED)].min() < shares["true"]:
        said += "; fewer than by true poses, so that some volumes pass by their distortion alone"
    return said


def drift_sentences(model: pd.DataFrame, bins: pd.DataFrame) -> list[str]:
    """Return which terms change alpha beyond chance, and whether harm rises with drift.

    Parameters
    ----------
    model, bins : pandas.DataFrame
        Tables `hip_drift_model` and `hip_drift_bins`.

    Returns
    -------
    list of str
    """
    sentences = []
    for poses, part in model[model["masks"] == MASKS].groupby("poses", sort=False):
        sure = part[part["name"].isin(_TERMS) & ((part["low"] > 0) | (part["high"] < 0))]
        said = [f"{_TERMS[row['name']]} {row['coefficient']:+.1f} deg "
                f"({interval(row['low'], row['high'], '+.1f')})"
                for row in sure.to_dict("records")]  # fmt: skip
        sentences.append(f"{poses} poses, terms beyond chance: {', '.join(said) or 'none'}")
    own = bins[(bins["masks"] == MASKS) & bins["poses"].isin(UNTRACKED)]
    for (poses, drift), part in own.groupby(["poses", "drift"], sort=False):
        part = part.sort_values("from_mm")
        if len(part) > 1:
            word = "rise" if (np.diff(part["median_added_deg"]) >= 0).all() else "do not rise"
            last, name = part.iloc[-1], _TERMS[drift].removesuffix(", mm")
            said = f"{poses} poses: medians of {len(part)} bins {word} steadily with {name}"
            far = f"; a slope leans on the {_counted(last['sweep_count'], 'sweep')} beyond "
            sentences.append(said + (f"{far}{last['from_mm']:g} mm" if len(model) else ""))
    return sentences


def motion_sentences(motion: pd.DataFrame) -> list[str]:
    """Return whether a tracker or pictures hold the shape near the head, by variant.

    Parameters
    ----------
    motion : pandas.DataFrame
        Table `hip_infant_motion`.

    Returns
    -------
    list of str
    """
    sentences = []
    for variant, part in motion.groupby("variant", sort=False):
        rows = part.set_index("poses")
        said = [f"tracked {number(rows.loc['tracked', 'mean_shape_mm'], '.2f')} mm"]
        for poses in UNTRACKED:
            row = rows.loc[poses]
            word = told(row.less_low, row.less_high, above="better than the tracker",
                        below="worse than the tracker", neither="not told apart")  # fmt: skip
            said.append(f"{poses} {number(row.mean_shape_mm, '.2f')} mm, {word}")
        count = _counted(rows["sweep_count"].iloc[0], "sweep") + " of "
        count += _counted(rows["subject_count"].iloc[0], "infant")
        sentences.append(f"{variant} ({count}): {'; '.join(said)}")
    means = motion.pivot(index="poses", columns="variant", values="mean_shape_mm")
    if {"still", "restless"} <= set(means.columns):
        more = (means["restless"] - means["still"]).reindex(["tracked", *UNTRACKED])
        said = ", ".join(f"{poses} {number(mm, '+.2f')} mm" for poses, mm in more.items())
        sentences.append(f"restless instead of still, the shape error changes by: {said}")
    return sentences


def type_sentences(types: pd.DataFrame, rocs: pd.DataFrame) -> list[str]:
    """Return how well types agree and hips below 60 deg are found, the control first.

    Parameters
    ----------
    types, rocs : pandas.DataFrame
        Tables `hip_types` and `hip_roc`; group `all` is told.

    Returns
    -------
    list of str
    """
    keys = ["sweep_type", "poses"]
    kappas, areas = (table[(table["group"] == "all") & (table["masks"] == MASKS)]
                     for table in (types, rocs))  # fmt: skip
    kappas = kappas[kappas["measure"] == "kappa_linear"].set_index(keys)
    areas, sentences = areas.set_index(keys), []
    for way in (CONTROL, *((kind, poses) for kind in ("p_a", "p_d") for poses in UNTRACKED)):
        if way not in kappas.index or way not in areas.index:
            continue
        kappa, area = kappas.loc[way], areas.loc[way]
        sentences.append(
            f"{spoken(way)}: weighted kappa {number(kappa.value, '.2f')} "
            f"({interval(kappa.low, kappa.high, '.2f')}) on {_counted(kappa.cases, 'hip')}, "
            f"{kappa.refused:.0f} refused; area {number(area.auc, '.2f')} "
            f"({interval(area.low, area.high, '.2f')}), at 60 deg "
            f"{area.true_positives:.0f} of {area.true_positives + area.false_negatives:.0f} found"
        )
    return sentences


def interval_sentence(coverage: pd.DataFrame) -> str:
    """Return how many cells hold as many truths as is asked, with the widths for alpha.

    Parameters
    ----------
    coverage : pandas.DataFrame
        Table `hip_interval_coverage`.

    Returns
    -------
    str
    """
    if coverage.empty:
        return "No interval was learned: there are too few calibration sweeps."
    low, high = GOAL_SHARES
    below, above = (coverage["share"] < low).sum(), (coverage["share"] > high).sum()
    said = f"Of {len(coverage)} cells, {len(coverage) - below - above} hold {100 * low:.0f} to "
    said += f"{100 * high:.0f} % of truths, {below} fewer and {above} more"
    alpha = coverage[(coverage["measure"] == "alpha_deg") & (coverage["masks"] == MASKS)]
    widths = alpha["mean_width"]
    if len(widths):
        said += (
            f"; for alpha by model 3.2 they are {widths.min():.0f} to {widths.max():.0f} deg wide"
        )
    return said + "."


def overall_share(coverage: pd.DataFrame) -> float:
    """Return the share of all truths that lie within their interval, NaN without any."""
    counts = coverage["row_count"]
    return float((coverage["share"] * counts).sum() / counts.sum()) if len(coverage) else np.nan
