"""The part of stage `calibration` that is about time: the lag alone, and with space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from defusedxml import ElementTree

from hipus import config
from hipus.calibration import spatiotemporal, temporal
from hipus.calibration.spatiotemporal import LAG_RANGE_S
from hipus.calibration.wires import NWirePhantom
from hipus.formats import metafile

VIDEO = "plus/WaterTankBottomTranslationVideoBuffer.igs.mha"
TRACKER = "plus/WaterTankBottomTranslationTrackerBuffer-trimmed.igs.mha"
BASELINE = "plus/TemporalCalibrationResultsBaseline.xml"
INPUTS = (VIDEO, TRACKER, BASELINE)
#: What the pose stamps of the N-wire sweep are moved by, to be found again; in the range of
#: delays of an ultrasound machine's frame grabber.
KNOWN_LAG_S = -0.120
COLUMNS = {
    "temporal_calibration": ["solution", "lag_s"],
    "lag_curve": ["lag_s", "correlation"],
    "lag_signals": ["video_time_s", "video_position_px", "fitted_position_px"],
    "joint_calibration": ["recording", "known_lag_s", "lag_s"],
    "joint_scan": ["lag_s", "error_mm"],
}


def make_tables(study: config.Study, files: dict[str, Path], sweep, phantom: NWirePhantom) -> dict:
    """Return the tables on time.

    Parameters
    ----------
    study : Study
    files : dict of str to Path
    sweep : WireSweep
        The N-wire calibration sweep.
    phantom : NWirePhantom

    Returns
    -------
    dict of str to (table, key)
    """
    joint, scan = _joint(study, sweep, phantom)
    return {
        **_lag_tables(files),
        "joint_calibration": (joint, ["recording"]),
        "joint_scan": (scan, ["lag_s"]),
    }


def _lag_tables(files: dict[str, Path]) -> dict:
    """Return lag, curve and signals of the water-tank recording."""
    video, tracker = metafile.read(files[VIDEO]), metafile.read(files[TRACKER])
    recording = temporal.calibrate_recordings(
        video.frames,
        video.time_s,
        tracker.time_s,
        tracker.chain("Probe", "Tracker", accepts_unstated=True),
    )
    found, is_found = recording.calibration, recording.plane.is_found
    baseline = float(ElementTree.parse(files[BASELINE]).getroot().get("TrackerLagSec"))
    signals = pd.DataFrame(
        {
            "video_time_s": video.time_s[is_found] - video.time_s[0],
            "video_position_px": recording.plane.position_px[is_found],
            "fitted_position_px": found.fitted_position,
        }
    )
    curve = pd.DataFrame({"lag_s": found.lags_s, "correlation": np.abs(found.correlations)})
    rows = pd.DataFrame([_lag_row(found, len(video)), {"solution": "PLUS", "lag_s": baseline}])
    return {
        "temporal_calibration": (rows, ["solution"]),
        "lag_curve": (curve, ["lag_s"]),
        "lag_signals": (signals, ["video_time_s"]),
    }


def _lag_row(found: temporal.TemporalCalibration, frames_total: int) -> dict:
    """Return one lag as a row."""
    return {
        "solution": "ours",
        "lag_s": found.lag_s,
        "lag_sd_s": found.lag_sd_s,
        "lag_low_s": found.lag_interval_s[0],
        "lag_high_s": found.lag_interval_s[1],
        "correlation": abs(found.correlation),
        "second_lag_s": found.second_lag_s,
        "second_correlation": abs(found.second_correlation),
        "frames_used": found.samples_used,
        "frames_total": frames_total,
    }


def _joint(study: config.Study, sweep, phantom: NWirePhantom) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the lag found together with space, as recorded and after moving the stamps."""
    rows = {}
    for recording, known_s in (("as recorded", 0.0), ("stamps moved", KNOWN_LAG_S)):
        rows[recording] = found = spatiotemporal.calibrate(
            sweep.time_s,
            sweep.found.points_px,
            sweep.pose_time_s + known_s,
            sweep.poses,
            phantom,
            lag_range_s=tuple(end - KNOWN_LAG_S + known_s for end in LAG_RANGE_S),
            step_s=study.calibration.lag_scan_step_s,
        )
    scan = pd.DataFrame({"lag_s": found.lags_s, "error_mm": found.errors_mm})
    known = {"as recorded": 0.0, "stamps moved": KNOWN_LAG_S}
    return pd.DataFrame([_joint_row(name, known[name], rows[name]) for name in rows]), scan


def _joint_row(recording: str, known_s: float, found) -> dict:
    """Return one scan's result."""
    return {
        "recording": recording,
        "known_lag_s": known_s,
        "lag_s": found.lag_s,
        "lag_sd_s": found.lag_sd_s,
        "lag_low_s": found.lag_interval_s[0],
        "lag_high_s": found.lag_interval_s[1],
        "equivalent_low_s": found.equivalent_lags_s[0],
        "equivalent_high_s": found.equivalent_lags_s[1],
        "error_mm": found.error_mm,
        "smoothing_s": found.smoothing_s,
        "frames_used": found.frames_used,
        "frames_total": found.frames_total,
    }


def metrics(content: dict) -> dict:
    """Return the headline numbers on time.

    Parameters
    ----------
    content : dict
        As `make_tables` returns it.

    Returns
    -------
    dict
    """
    lags = content["temporal_calibration"][0].set_index("solution")["lag_s"]
    rows = content["joint_calibration"][0].set_index("recording")
    joint, recorded = rows.loc["stamps moved"], rows.loc["as recorded"]
    return {
        "lag_s": lags["ours"],
        "lag_from_plus_s": lags["ours"] - lags["PLUS"],
        "joint_lag_s": joint["lag_s"],
        "joint_lag_error_s": joint["lag_s"] - joint["known_lag_s"],
        "joint_lag_as_recorded_s": recorded["lag_s"],
        "joint_shift_recovered_s": joint["lag_s"] - recorded["lag_s"],
        "joint_lag_width_s": joint["equivalent_high_s"] - joint["equivalent_low_s"],
    }
