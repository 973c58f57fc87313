"""Agreement of measured with true hips, of types, and of repeated sweeps. No stage of its own.

Decides which ways of measuring stand for each other's raters, that Graf's types are told by
alpha and age alone, as no mask has a labrum, and that the SD of the hips stands beside each
ICC and ROC, which a wide spectrum inflates. Refused hips are counted, never dropped in silence.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd

from hipus.detection import decide, roc
from hipus.method_agreement import limits_of_agreement
from hipus.morphometry.graf_types import classify
from hipus.morphometry.measures import Measure, refused
from hipus.reliability import intraclass_correlation
from hipus.repeatability import repeatability
from hipus.seeds import generator
from hipus.stages.hip_error_tables import GROUPS, HIP, of_group
from hipus.stages.hip_intervals import BEST_FRAME, CELL
from hipus.type_agreement import compare_types

#: What clinics read; all else is in the table of errors.
CLINICAL = ("alpha_deg", "femoral_head_coverage_percent", "acetabular_contact_angle_deg")
#: By falling alpha; without beta, neighbours cannot be parted.
TYPES = ("I", "II", "IIc/D", "III/IV")
NORMAL_ALPHA_DEG = 60.0
REPEATED = "repeats"
WAY = ["sweep_type", "poses", "masks"]
AGREEMENT_COLUMNS = ["group", *CELL, "quantity", "value", "low", "high", "within_sd",
                     "between_sd", "sd", "pair_count", "subject_count"]  # fmt: skip
ICC_COLUMNS = ["group", "measure", "raters", "poses", "masks", "icc", "low", "high", "target_sd",
               "standard_error_of_measurement", "target_count", "rater_count"]  # fmt: skip
REPEAT_COLUMNS = ["measure", *WAY, "within_sd", "within_sd_low", "within_sd_high", "coefficient",
                  "coefficient_low", "coefficient_high", "item_count", "value_count",
                  "operator_sd", "reproducibility_sd"]  # fmt: skip
TYPE_COLUMNS = ["group", *WAY, "measure", "value", "low", "high", "cases", "refused"]
CONFUSION_COLUMNS = ["group", *WAY, "true_type", "measured_type", "count"]
ROC_COLUMNS = ["group", *WAY, "auc", "low", "high", "sensitivity", "sensitivity_low",
               "sensitivity_high", "specificity", "specificity_low", "specificity_high",
               "true_positives", "false_negatives", "true_negatives", "false_positives",
               "refused_count", "subject_count", "alpha_sd_deg"]  # fmt: skip
CURVE_COLUMNS = ["group", *WAY, "step", "threshold", "sensitivity", "specificity"]


def agreement_table(errors: pd.DataFrame, *, seed: int, resamples: int) -> pd.DataFrame:
    """Return bias and limits of agreement with the truth (Bland and Altman 2007)."""
    rows = []
    for group in GROUPS:
        part = of_group(errors, group)
        part = part[part.measure.isin(CLINICAL)].dropna(subset="error")
        for cell, one in part.groupby(CELL):
            if one.subject_id.nunique() < 2:
                continue
            found = limits_of_agreement(
                one.truth, one.calibrated, subjects=one.subject_id, resamples=resamples,
                rng=generator(seed, "hip_agreement", group, *cell),
            )  # fmt: skip
            key = {"group": group, **dict(zip(CELL, cell, strict=True))}
            rows += [key | row for row in found.table().to_dict("records")]
    return pd.DataFrame(rows).reindex(columns=AGREEMENT_COLUMNS)


def icc_table(errors: pd.DataFrame) -> pd.DataFrame:
    """Return ICC(2,1) of the two types of sweep, of kinds of masks, and of operators."""
    rows = []
    for group in GROUPS:
        part = of_group(errors, group)
        part = part[part.measure.isin(CLINICAL) & (part.poses != BEST_FRAME)]
        for key, one in part.groupby(["measure", "poses", "masks"]):
            rows.append(_icc(one, group, key, target=HIP, rater="sweep_type"))
        for key, one in part.groupby(["measure", "poses", "sweep_type"]):
            measure, poses, kind = key
            row = _icc(one, group, (measure, poses, "all"), target=HIP, rater="masks")
            rows.append(row | {"raters": f"masks, {kind}"} if row else row)
    again = _repeated(errors)
    for key, one in again[again["repeat"] == 1].groupby(["measure", "poses", "masks"]):
        rows.append(_icc(one, REPEATED, key, target=[*HIP, "sweep_type"], rater="operator"))
    return pd.DataFrame([row for row in rows if row]).reindex(columns=ICC_COLUMNS)


def _icc(part: pd.DataFrame, group: str, key, *, target: list[str], rater: str) -> dict:
    """Return one row, none where fewer than three targets were measured by all raters."""
    wide = part.pivot_table(index=target, columns=rater, values="calibrated", dropna=False)
    wide = wide.dropna()
    if len(wide) < 3 or wide.shape[1] < 2:
        return {}
    long = wide.reset_index(drop=True).rename_axis(index="target").reset_index()
    long = long.melt(id_vars="target", var_name="rater", value_name="value")
    found = intraclass_correlation(long, "value", target="target", rater="rater")
    measure, poses, masks = key
    return {"group": group, "measure": measure, "raters": rater, "poses": poses, "masks": masks,
            **asdict(found)}  # fmt: skip


def _repeated(errors: pd.DataFrame) -> pd.DataFrame:
    """Return repeated sweeps with the place of operator and repeat among a subject's."""
    rows = errors[(errors.cohort == REPEATED) & (errors.truth_variant == "repeat")]
    rows = rows[rows.measure.isin(CLINICAL) & (rows.poses != BEST_FRAME)]
    rows = rows.assign(repeat=rows.sweep_id.str.rsplit("_", n=1).str[-1].astype(int))
    place = rows.groupby("subject_id").operator_id.rank(method="dense")
    return rows.assign(operator=place.astype(int))


def repeatability_table(errors: pd.DataFrame) -> pd.DataFrame:
    """Return the scatter of sweeps repeated by one operator, and what operators add.

    Operators differ from hip to hip: they are nested in hips, and how they are numbered tells
    nothing. What they add is NaN unless every repeat of every hip was measured.
    """
    rows = []
    for key, part in _repeated(errors).groupby(["measure", *WAY]):
        known = part.dropna(subset="calibrated")
        known = known.assign(hip=known.subject_id + " " + known.side)
        known = known.assign(item=known.hip + " " + known.operator.astype(str))
        if not known.groupby("item").size().gt(1).any():
            continue
        found = asdict(repeatability(known, "calibrated", item="item"))
        row = dict(zip(["measure", *WAY], key, strict=True)) | found
        more = _operators(known, found["within_sd"]) if len(known) == len(part) else {}
        rows.append(row | more)
    return pd.DataFrame(rows).reindex(columns=REPEAT_COLUMNS)


def _operators(rows: pd.DataFrame, within_sd: float) -> dict:
    """Return the SDs between operators of a hip, and of one sweep by any; none if not balanced.

    Nested analysis of variance (Searle, Casella and McCulloch 1992, chapter 3).
    """
    cells = rows.groupby(["hip", "operator"]).calibrated.agg(["mean", "size"]).unstack()
    repeats = cells["size"].stack()
    if cells.isna().any(axis=None) or cells["mean"].shape[1] < 2 or repeats.nunique() > 1:
        return {}
    scatter = cells["mean"].var(axis=1, ddof=1).mean()
    between = np.sqrt(max(scatter - within_sd**2 / repeats.iloc[0], 0.0))
    return {"operator_sd": between, "reproducibility_sd": np.hypot(between, within_sd)}


def type_of(alpha_deg: float, age_days: float) -> str | None:
    """Return one of `TYPES` by alpha alone, None where alpha is refused."""
    alpha = Measure(alpha_deg, "deg") if np.isfinite(alpha_deg) else refused("refused", "deg")
    age = age_days if np.isfinite(age_days) else None
    name = classify(alpha, refused("no labrum label", "deg"), age_days=age).name
    return "II" if name is not None and name.startswith(("IIa", "IIb")) else name


def type_tables(
    errors: pd.DataFrame, ages_days: pd.Series, *, seed: int, resamples: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return agreement of Graf types with the truth, and who was taken for whom.

    Parameters
    ----------
    errors : pandas.DataFrame
    ages_days : pandas.Series
        By subject.
    seed, resamples : int

    Returns
    -------
    agreement, confusion : pandas.DataFrame
    """
    agreements, confusions = [], []
    for group in GROUPS:
        part = of_group(errors, group)
        for way, one in part[part.measure == "alpha_deg"].groupby(WAY):
            one = one.set_index(["subject_id", "side"])
            age = ages_days.reindex(one.index.get_level_values("subject_id")).to_numpy()
            types = [
                {case: type_of(a, d) for case, a, d in zip(one.index, one[name], age, strict=True)}
                for name in ("truth", "calibrated")
            ]
            found = compare_types(
                *types, subjects={case: case[0] for case in one.index}, types=TYPES,
                rng=generator(seed, "hip_types", group, *way), resamples=resamples,
            )  # fmt: skip
            key = {"group": group, **dict(zip(WAY, way, strict=True))}
            table = found.table().rename(columns={"refused_by_second": "refused"})
            agreements += [key | row for row in table.to_dict("records")]
            counts = found.confusion.rename_axis(index="true_type", columns="measured_type")
            counts = counts.stack().rename("count").reset_index()
            confusions += [key | row for row in counts.to_dict("records")]
    return (
        pd.DataFrame(agreements).reindex(columns=TYPE_COLUMNS),
        pd.DataFrame(confusions).reindex(columns=CONFUSION_COLUMNS),
    )


def roc_tables(
    errors: pd.DataFrame, *, seed: int, resamples: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return how well a measured alpha tells a true alpha below 60 deg, and the curves."""
    rows, curves = [], []
    for group in GROUPS:
        part = of_group(errors, group)
        for way, one in part[part.measure == "alpha_deg"].groupby(WAY):
            known = one.dropna(subset="calibrated")
            if known.empty:
                continue
            key = {"group": group, **dict(zip(WAY, way, strict=True))}
            options = {"subjects": known.subject_id, "resamples": resamples}
            pair = known.calibrated, known.truth < NORMAL_ALPHA_DEG
            curve = roc(*pair, rng=generator(seed, "hip_roc", group, *way), **options)
            decision = decide(
                *pair, threshold=NORMAL_ALPHA_DEG, rng=generator(seed, "hip_call", group, *way),
                **options,
            )  # fmt: skip
            more = {"refused_count": len(one) - len(known), "alpha_sd_deg": known.truth.std()}
            rows.append(key | _roc_row(curve, decision) | more)
            points = curve.curve.rename_axis("step").reset_index()
            curves += [key | point for point in points.to_dict("records")]
    return (
        pd.DataFrame(rows).reindex(columns=ROC_COLUMNS),
        pd.DataFrame(curves).reindex(columns=CURVE_COLUMNS),
    )


def _roc_row(curve, decision) -> dict:
    """Return one row's numbers."""
    row = {"auc": curve.auc.value, "low": curve.auc.low, "high": curve.auc.high}
    for name in ("sensitivity", "specificity"):
        one = getattr(decision, name)
        row |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
    counts = ("true_positives", "false_negatives", "true_negatives", "false_positives")
    return row | {name: getattr(decision, name) for name in (*counts, "subject_count")}
