"""Tables of measured hips as the stages write them, made up row by row."""

import numpy as np
import pandas as pd

from hipus.stages import hip_intervals
from hipus.stages.hip_cells import ALL_POSES, DRIFT, MEASURES
from hipus.stages.hip_measures import CALIBRATION, TEST

ROW = {"subject_id": "S101", "sweep_id": "left_p_a", "side": "left", "sweep_type": "p_a",
       "cohort": "test", "truth_variant": "protocol", "operator_id": "O11", "role": TEST,
       "poses": "predicted", "masks": "model", "measure": "alpha_deg", "value": 60.0,
       "truth": 60.0, "final_drift_mm": 3.0, "head_drift_mm": 1.0,
       "head_shape_mm": 0.4}  # fmt: skip


def errors_of(*rows: dict) -> pd.DataFrame:
    """Return rows of table hip_errors; what a row does not say is as in `ROW`.

    `shift` of a row is the learned offset; `error` may stand for `value`.
    """
    content = []
    for given in rows:
        row = ROW | given
        shift = row.pop("shift", 0.0)
        row["value"] = row["truth"] + row.pop("error") - shift if "error" in row else row["value"]
        row["calibrated"] = row["value"] + shift
        content.append(row | {"error": row["calibrated"] - row["truth"]})
    return pd.DataFrame(content).reindex(columns=hip_intervals.COLUMNS)


def swept(subject: str, name: str, **more) -> dict:
    """Return what a sweep's name says of it."""
    side, *kind = name.split("_")[:3]
    return {"subject_id": subject, "sweep_id": name, "side": side, "sweep_type": "_".join(kind)} | {
        **more
    }


def sweeps(calibration: int = 20) -> list[dict]:
    """Return sweeps to calibrate on, of test hips, of a dysplastic infant, and repeated ones."""
    found = [
        swept(f"S{k:03d}", f"left_{kind}", cohort="study", role=CALIBRATION)
        for k in range(calibration)
        for kind in ("p_a", "p_d")
    ]
    tested = [("S101", "test"), ("S102", "test"), ("S103", "test"), ("S401", "dysplastic")]
    for subject, cohort in tested:
        found += [
            swept(subject, f"{side}_{kind}", cohort=cohort)
            for side in ("left", "right")
            for kind in ("p_a", "p_d")
        ]
    for subject, operators in (("S501", ("O12", "O13")), ("S502", ("O11", "O13"))):
        known = {"cohort": "repeats", "truth_variant": "repeat"}
        found += [
            swept(subject, f"left_p_d_{who}_{again}", operator_id=who, **known)
            for who in operators
            for again in (1, 2)
        ]
        known["truth_variant"] = "restless"
        found.append(swept(subject, "left_p_d_restless", operator_id="O13", **known))
    return [ROW | one for one in found]


def hips() -> pd.DataFrame:
    """Return true measures of both hips of every subject."""
    rng, rows = np.random.default_rng(8), []
    for subject in sorted({one["subject_id"] for one in sweeps()}):
        for side in ("left", "right"):
            low = subject in ("S103", "S401")
            row = dict(zip(MEASURES, rng.normal(50, 6, len(MEASURES)), strict=True))
            row["alpha_deg"] = rng.uniform(47, 57) if low else rng.uniform(61, 70)
            rows.append({"subject_id": subject, "side": side} | row)
    return pd.DataFrame(rows)


def measures(masks=("truth", "model"), calibration: int = 20) -> pd.DataFrame:
    """Return table hip_measures: every second head shape bends alpha by as many degrees per mm."""
    rng, rows, true = np.random.default_rng(9), [], hips().set_index(["subject_id", "side"])
    for one in sweeps(calibration):
        for poses in ALL_POSES:
            off = 0.0 if poses == "true" else rng.uniform(0.1, 1.2)
            drift = dict(zip(DRIFT, (off * rng.uniform(2, 9), 2 * off, off), strict=True))
            for name in masks:
                away = rng.normal(1.0, 0.6, len(MEASURES)) + 3 * off
                values = true.loc[(one["subject_id"], one["side"]), list(MEASURES)] + away
                rows.append(one | {"poses": poses, "masks": name} | drift | dict(values))
    return pd.DataFrame(rows).drop(columns=["measure", "value", "truth"])


def frames(masks=("truth", "model"), calibration: int = 20) -> pd.DataFrame:
    """Return table hip_frames of the p_a sweeps."""
    given = ["alpha_deg", "femoral_head_coverage_percent"]
    table = measures(masks, calibration)
    table = table[(table.sweep_type == "p_a") & (table.poses == "true")]
    plain = [name for name in table if name not in (*MEASURES, *DRIFT, "poses")]
    return table[plain].assign(**{name: table[name] + 1.5 for name in given})


def moved_table() -> pd.DataFrame:
    """Return of table cohort_sweeps how far each infant moved."""
    names = ["subject_id", "sweep_id"]
    table = pd.DataFrame(sweeps()).drop_duplicates(names)[names]
    return table.assign(truth_infant_moved_mm=np.linspace(0.2, 3.0, len(table)))
