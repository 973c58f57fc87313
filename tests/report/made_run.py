"""A folder as `hipus run` leaves it: measurements, surfaces and a section, all made up."""

import base64
import json

import numpy as np
import trimesh

from hipus.morphometry.measures import Measure, as_json, refused
from hipus.morphometry.shape_measures import UNITS

#: One grey pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
STEPS = {
    "poses": {"files": {"poses.csv": "0"}, "seconds": 1.25},
    "meshes": {"files": {"meshes/ilium.stl": "0", "meshes/femoral_head.stl": "0"}, "seconds": 0.5},
}
CENTRE_MM, RADIUS_MM = np.array([3.0, -5.0, 2.0]), 8.0


def measurements(**changed) -> dict:
    """Return a report of a hip of alpha 57, some of it refused."""
    measures = {name: refused(f"no {name} here", unit) for name, unit in UNITS.items()}
    measures["alpha_deg"] = Measure(57.04, "deg", 53.0, 61.2)
    measures["femoral_head_coverage_percent"] = Measure(48.2, "percent", 44.0, 52.0)
    measures["head_sphericity"] = Measure(0.968, "1")
    return {
        "disclaimer": "Not a medical device.",
        "source": "left_p_d.igs.mha",
        "origin": "simulated",
        "labelled_by": {"mask": "mask.mha", "made_by": "model 3.2", "of": "left_p_d.igs.mha"},
        "side": {"stated": "left", "by_anatomy": "left", "log_odds": 5.0},
        "measures": as_json(measures),
        "graf_type": {"name": "II", "notes": ["IIa or IIb: the age is not known"]},
        "is_standard_plane": False,
        "checks": [
            {"name": "lower limb", "state": "not met", "detail": "1.0 mm; asked >= 2"},
            {"name": "head in view", "state": "met", "detail": "whole"},
        ],
        "graf_plane": {
            "origin_xyz_mm": CENTRE_MM.tolist(), "lateral_xyz": [0.0, -1.0, 0.0],
            "posterior_xyz": [0.0, 0.0, -1.0], "superior_xyz": [1.0, 0.0, 0.0],
            "score": {"total": 0.7},
        },
        "uncertainty": {"level": 0.95, "intervals": {"hold": "labels only"}},
        "poses": {
            "told_by": "motion model x", "why_predicted": "the file holds no poses",
            "trained_on": "simulated", "frames_total": 53, "frames_kept": 47,
            "frames_with_pose": 47, "path_mm": 53.2, "end_sd_mm": [1.5, 2.0, 3.1],
            "end_sd_deg": [3.0, 1.4, 1.6],
        },
        "made_by": {
            "command": "hipus run", "created_utc": "2026-11-20T23:00:59+00:00", "commit": "c0ffee",
            "versions": {"hipus": "1", "numpy": "2"},
            "inputs": {"left_p_d.igs.mha": {"bytes": 7, "sha256": "f" * 64}},
            "models": {"masks": {"name": "3.2", "sha256": "e" * 64}},
        },
    } | changed  # fmt: skip


def write_run(folder, report=None, *, surfaces=("femoral_head", "ilium")):
    """Write a run's folder and return it."""
    (folder / "meshes").mkdir(parents=True)
    content = json.dumps(measurements() if report is None else report)
    (folder / "measurements.json").write_text(content)
    (folder / "graf.png").write_bytes(PNG)
    for number, name in enumerate(surfaces):
        ball = trimesh.creation.icosphere(2, RADIUS_MM if number == 0 else 4.0)
        ball.apply_translation(CENTRE_MM + [12.0 * number, 0, 0])
        ball.export(folder / "meshes" / f"{name}.stl")
    return folder
