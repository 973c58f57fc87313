"""Stage `calibration_simulated`: how near does the calibration come to a truth that is known?

Simulated sessions over two wire phantoms and a water tank go through the same calibration as
real ones; only here can it be judged by its target registration error, and the lag by the
true one. Everything is simulated.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.calibration import spatial, temporal
from hipus.calibration.nwire import find_in_frames
from hipus.calibration.wires import NWirePhantom, SegmentationSettings
from hipus.parallel import map_cases
from hipus.phantom.acquisition.session import draw_session
from hipus.phantom.calibration_session import CalibrationSession
from hipus.phantom.wires import (
    FCAL_2_0,
    Z_PHANTOM,
    simulate_calibration_session,
    simulate_water_tank,
)
from hipus.seeds import generator
from hipus.stages import runner

STAGE = "calibration_simulated"
PHANTOMS = {"fCal 2.0 N-wire": FCAL_2_0, "Z": Z_PHANTOM}
METHODS = ("classic", "joint")
FRAME_SHAPE = (320, 360)
#: How well a user knows the size of a pixel beforehand (assumed): the finder needs it roughly.
PIXEL_GUESS = 1.03
#: The order's limit.
LARGEST_LAG_ERROR_S = 0.002
COLUMNS = {
    "simulated_calibration": [
        *("session", "phantom", "method", "frames_found", "frames_total", "true_lag_s", "lag_s"),
        *("validation_error_mm_mean", "point_to_wire_mm_mean"),
        *("target_registration_error_mm_mean", "target_registration_error_mm_max"),
    ],
    "simulated_lag": ["session", "frames_total", "true_lag_s", "lag_s", "error_s", "lag_sd_s"],
}


def main(study: config.Study) -> Iterable[Path]:
    """Write tables and metrics; there is no input."""
    sessions = range(1, study.calibration_simulated.sessions + 1)
    made = map_cases(
        partial(_calibrate, seed=study.common.seed, frames=study.calibration_simulated.frames),
        sessions,
        progress="simulating calibration sessions",
    )
    spatial_rows = [row for rows, _ in made for row in rows]
    content = {
        "simulated_calibration": (
            pd.DataFrame(spatial_rows, columns=COLUMNS["simulated_calibration"]),
            ["session", "phantom", "method"],
        ),
        "simulated_lag": (
            pd.DataFrame([row for _, row in made], columns=COLUMNS["simulated_lag"]),
            ["session"],
        ),
    }
    runner.write_tables(study, content)
    tables.write_metrics(metrics(content), paths.metrics_file(study.profile, STAGE))
    return []


def _calibrate(number: int, *, seed: int, frames: int) -> tuple[list[dict], dict]:
    """Simulate one session: tank first for the lag, then both phantoms with that lag."""
    rng = partial(generator, seed, STAGE, number)
    session = draw_session(rng("session"))
    tank = simulate_water_tank(rng("tank"), session)
    found = temporal.calibrate_recordings(
        tank.frames, tank.time_s, tank.pose_time_s, tank.T_probe_to_reference
    ).calibration
    lag = {
        "session": number,
        "frames_total": len(tank.time_s),
        "true_lag_s": tank.lag_s,
        "lag_s": found.lag_s,
        "error_s": found.lag_s - tank.lag_s,
        "lag_sd_s": found.lag_sd_s,
    }
    rows = []
    for name, phantom in PHANTOMS.items():
        calibration, validation = (
            simulate_calibration_session(
                rng(name, use), session, phantom=phantom, count=frames, frame_shape=FRAME_SHAPE
            )
            for use in ("calibration", "validation")
        )
        common = {"session": number, "phantom": name}
        rows += [common | row for row in _judge(calibration, validation, lag_s=found.lag_s)]
    return rows, lag


def _judge(
    calibration: CalibrationSession, validation: CalibrationSession, *, lag_s: float
) -> list[dict]:
    """Calibrate with one recording; judge by another, by points of the picture, by truth."""
    known, unseen = as_user(calibration), as_user(validation)
    found, checked = (
        find_in_frames(calibration.frames, known),
        find_in_frames(validation.frames, unseen),
    )
    poses, unseen_poses = (
        recording.T_probe_to_reference_at_images(lag_s) for recording in (calibration, validation)
    )
    rows = []
    for method in METHODS:
        solved = spatial.calibrate(found.points_px, poses, known, method=method)
        errors = spatial.evaluate(solved.T_pixel_to_probe, checked.points_px, unseen_poses, unseen)
        target_mm = calibration.target_registration_error_mm(solved.T_pixel_to_probe)
        rows.append(
            {
                "method": method,
                "frames_found": int(found.is_found.sum()),
                "frames_total": len(found.is_found),
                "true_lag_s": calibration.lag_s,
                "lag_s": lag_s,
                "validation_error_mm_mean": errors.error_mm_mean,
                "point_to_wire_mm_mean": errors.point_to_wire_mm_mean,
                "target_registration_error_mm_mean": float(np.mean(target_mm)),
                "target_registration_error_mm_max": float(np.max(target_mm)),
            }
        )
    return rows


def as_user(recording: CalibrationSession) -> NWirePhantom:
    """Return the phantom as a user knows it: wires, registered pose, rough pixel size.

    Parameters
    ----------
    recording : CalibrationSession

    Returns
    -------
    NWirePhantom
    """
    wires = recording.phantom
    side_mm = float(np.linalg.norm(recording.T_pixel_to_probe[:3, 0]))
    return NWirePhantom(
        names=wires.wire_names,
        front_mm=wires.front_mm,
        back_mm=wires.back_mm,
        T_phantom_to_reference=recording.T_phantom_to_reference,
        segmentation=SegmentationSettings(approximate_spacing_mm=PIXEL_GUESS * side_mm),
    )


def metrics(content: dict) -> dict:
    """Return the stage's headline numbers.

    Parameters
    ----------
    content : dict of str to (table, key)

    Returns
    -------
    dict
    """
    table, lags = content["simulated_calibration"][0], content["simulated_lag"][0]
    error_s = lags.error_s.abs()
    found = {
        "sessions_total": len(lags),
        "largest_lag_error_s": error_s.max(),
        "lags_within_2_ms": int((error_s <= LARGEST_LAG_ERROR_S).sum()),
        "frames_found": int(table[table.method == METHODS[0]].frames_found.sum()),
        "frames_total": int(table[table.method == METHODS[0]].frames_total.sum()),
    }
    for method, group in table.groupby("method"):
        name = "target_registration_error_mm"
        found[f"{method}_{name}_mean"] = group[f"{name}_mean"].mean()
        found[f"{method}_{name}_max"] = group[f"{name}_max"].max()
    return found


if __name__ == "__main__":
    runner.run(STAGE, main)
