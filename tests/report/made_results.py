"""A small profile as the stages leave it, with text that a careless page would run."""

import json

import made_hip_report
import made_motion_results
import made_segmentation_report
import numpy as np
import pandas as pd
from PIL import Image

from hipus import paths, tables

EVIL = "<script>console.error('ran')</script> & \"quotes\""
CALIBRATION = {
    "frames_found": 291,
    "frames_total": 293,
    "classic_validation_error_mm_mean": 0.54321,
    "classic_validation_error_mm_mean_all": 0.57654,
    "classic_origin_from_plus_mm": 0.02468,
    "classic_angle_from_plus_deg": 0.03579,
    "lag_s": -0.0644,
    "lag_from_plus_s": 0.00041,
    "joint_lag_width_s": 0.131,
    "joint_lag_error_s": 0.0432,
    "from_plus_points_validation_error_mm_mean": 0.53987,
}
RECONSTRUCTION = {
    "references_that_hold": 5,
    "references_total": 6,
    "nearest_latest_equal_fraction": 0.98839,
    "nearest_maximum_within_2_fraction": 0.98907,
    "nearest_mean_float_largest_difference": 6.1e-05,
    "volume_mean_absolute_error_grey_levels": 7.53,
}
PUBLISHED = {
    "claims_total": 1234,
    "claims_confirmed_by_arithmetic": 431,
    "claims_inconsistent": 87,
    "claims_not_checkable": 56,
    "claims_not_audited": 660,
    "checks_total": 120,
    "checks_recomputed": 99,
    "checks_recomputed_as_audited": 98,
    "network_sizes_reproduced": 4,
    "network_sizes_total": 6,
}
COHORT = {
    "origin": "simulated",
    "subjects_total": 17,
    "sweeps_total": 71,
    "sweeps_usable": 69,
    "frames_total": 4321,
}
METRICS = {
    "calibration": CALIBRATION,
    "reconstruction": RECONSTRUCTION,
    "published": PUBLISHED,
    "cohort": COHORT,
}


def write_table(name: str, *rows: dict) -> None:
    """Write a table of the smoke profile."""
    tables.write(pd.DataFrame(list(rows)), paths.table_file("smoke", name), key=[])


def write_all(*, missing=()) -> None:
    """Write everything that the report reads."""
    write_table("machine", {"fact": EVIL, "found": "2", "needed": "2", "is_enough": True})
    write_table(
        "real_inputs",
        {"file": "plus/a.mha", "status": "present", "sha256": "0" * 64, "bytes": 123456789},
        {"file": "plus/b.mha", "status": "absent", "sha256": "-", "bytes": 12},
    )
    made_motion_results.write_all(np.random.default_rng(5))
    made_segmentation_report.write_all()
    made_hip_report.write_all()
    for stage in ("calibration", "reconstruction", "realism", "motion_transfer"):
        rows = pd.DataFrame({"file": list(missing), "how_to_get_it": ""})
        tables.write(rows, paths.table_file("smoke", f"{stage}_missing"), key=["file"])
    for name in ("spatial_calibration", "spatial_scatter", "joint_calibration",
                 "reconstruction_agreement", "reslice_errors",
                 "network_sizes", "published_checks", "cohort_published", "cohort_step",
                 "grey_levels", "rater_agreement", "simulated_calibration",
                 "simulated_lag"):  # fmt: skip
        write_table(name, {"name": f"row of {name}", "value": 0.123456789, "holds": True})
    write_table(
        "temporal_calibration",
        {"solution": "PLUS", "lag_s": -0.0648},
        {"solution": "ours", "lag_s": -0.0644, "lag_low_s": -0.083, "lag_high_s": -0.0458,
         "frames_used": 201},
    )  # fmt: skip
    write_table("physics_checks", {"check": "a", "holds": 1}, {"check": "b", "holds": 0})
    measures = {"simulated_to_real": 11.8, "real_to_real": 15.6, "auc_simulated": 0.79}
    rows = pd.DataFrame(
        [] if missing else [measures | {"half": "report"}], columns=["half", *measures]
    )
    tables.write(rows, paths.table_file("smoke", "likeness"), key=["half"])
    write_table("published_claims", *({"claim_id": f"C{n:03d}", "text": EVIL} for n in range(99)))
    for stage, values in METRICS.items():
        tables.write_metrics(values, paths.metrics_file("smoke", stage))
        write_record(stage)


def write_record(stage: str, *, finished: str = "2026-01-02T03:04:05+00:00") -> None:
    """Write a provenance record."""
    record = {
        "stage": stage,
        "finished_utc": finished,
        "commit": "0123456789abcdef+changes",
        "inputs": {"a.mha": {}},
        "settings": {"common": {"seed": 20260711}},
        "versions": {"numpy": "2.4.0", "torch": "2.13.0+cpu", "SimpleITK": "2.5"},
        "machine": {"processor": EVIL, "cpu_count": 2},
    }
    path = paths.provenance_file("smoke", stage)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))


def draw_one(name: str = "02_lag") -> None:
    """Save one figure of the report."""
    path = paths.figures_dir("smoke") / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 20), "white").save(path)
