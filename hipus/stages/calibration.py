"""Stage `calibration`: how accurate is the probe calibration, in space and time, on real data?

N-wire sweeps of the PLUS toolkit for space (beside the toolkit's own solution), its water-tank
recording for the lag, and the N-wire sweep again, its pose stamps moved by a known amount, for
both at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hipus import config, paths, tables
from hipus.calibration import plus_phantom, plus_results, spatial, spatial_bootstrap
from hipus.calibration.nwire import SweepFindings, find_in_frames
from hipus.calibration.wires import NWirePhantom
from hipus.formats import metafile
from hipus.seeds import generator
from hipus.stages import calibration_time, runner

STAGE = "calibration"
CALIBRATION = "plus/fCal_Test_Calibration_3NWires_fCal2.0.igs.mha"
VALIDATION = "plus/fCal_Test_Validation_3NWires_fCal2.0.igs.mha"
PHANTOM = "plus/PlusDeviceSet_fCal_Sim_SpatialCalibration_2.0.xml"
RESULTS = "plus/FreehandCalibration3NWires_fCal2.0.results.xml"
METHODS = ("classic", "joint")
_COLUMNS = {
    "wire_finding": ["sweep", "frame_index", "is_found", "distance_to_plus_px_mean"],
    "spatial_calibration": ["solution", "validation_error_mm_mean"],
    "spatial_errors": ["solution", "sweep", "frame_index", "wire", "error_mm"],
    "spatial_scatter": ["method", "quantity", "sd"],
    **calibration_time.COLUMNS,
}


@dataclass(frozen=True)
class WireSweep:
    """A sweep over the wires: what was found in it, where the probe was, what PLUS found.

    Attributes
    ----------
    name : str
    time_s : numpy.ndarray (F,)
    frame_index : numpy.ndarray (F,)
        Position in the recording.
    pose_time_s, poses : numpy.ndarray (N,), (N, 4, 4)
        Of the whole recording, also where frames are skipped.
    T_probe_to_reference : numpy.ndarray (F, 4, 4)
    found : SweepFindings
    plus_points_px : numpy.ndarray (F, W, 2)
    example : numpy.ndarray (H, W)
        Its middle frame.
    """

    name: str
    time_s: np.ndarray
    frame_index: np.ndarray
    pose_time_s: np.ndarray
    poses: np.ndarray
    T_probe_to_reference: np.ndarray
    found: SweepFindings
    plus_points_px: np.ndarray
    example: np.ndarray


def main(study: config.Study) -> Iterable[Path]:
    """Write tables, figure inputs and metrics; return the inputs."""
    names = (CALIBRATION, VALIDATION, PHANTOM, RESULTS, *calibration_time.INPUTS)
    files = runner.real_inputs(study, STAGE, names)
    if files is None:
        runner.write_empty(study, _COLUMNS)
        runner.write_figure_input(study, STAGE, {})
        tables.write_metrics({"frames_total": 0}, paths.metrics_file(study.profile, STAGE))
        return []
    phantom = plus_phantom.read_phantom(files[PHANTOM])
    plus = plus_results.read_plus_results(files[RESULTS])
    steps = study.calibration.frame_step, study.calibration.validation_frame_step
    sweeps = (
        _wire_sweep("calibration", files[CALIBRATION], steps[0], phantom, plus.calibration),
        _wire_sweep("validation", files[VALIDATION], steps[1], phantom, plus.validation),
    )
    solved = _solutions(sweeps[0], phantom, plus)
    content = _space_tables(study, sweeps, solved, phantom, plus)
    content |= calibration_time.make_tables(study, files, sweeps[0], phantom)
    runner.write_tables(study, content)
    _write_figure_input(study, sweeps[1], phantom)
    tables.write_metrics(_metrics(content), paths.metrics_file(study.profile, STAGE))
    return list(files.values())


def _wire_sweep(name: str, path: Path, step: int, phantom: NWirePhantom, plus) -> WireSweep:
    """Find the wires in every `step`-th frame of a sweep."""
    sequence = metafile.read(path)
    chosen = np.arange(0, len(sequence), step)
    frames = np.asarray(sequence.frames[:])[chosen]
    poses = sequence.chain("Probe", "Reference")
    return WireSweep(
        name=name,
        time_s=sequence.time_s[chosen],
        frame_index=chosen,
        pose_time_s=sequence.time_s,
        poses=poses,
        T_probe_to_reference=poses[chosen],
        found=find_in_frames(frames, phantom),
        plus_points_px=plus.points_px[chosen],
        example=frames[len(frames) // 2],
    )


def _solutions(sweep: WireSweep, phantom: NWirePhantom, plus) -> dict[str, np.ndarray]:
    """Return `T_pixel_to_probe` of every solution that the table compares."""
    ours = {
        method: spatial.calibrate(
            sweep.found.points_px, sweep.T_probe_to_reference, phantom, method=method
        ).T_pixel_to_probe
        for method in METHODS
    }
    listed = spatial.calibrate(
        plus.calibration.points_px, plus.calibration.T_probe_to_reference, phantom
    )
    return {
        **ours,
        "classic, from PLUS's points": listed.T_pixel_to_probe,
        "PLUS's own matrix": plus.T_pixel_to_probe,
    }


def _space_tables(study, sweeps, solved, phantom: NWirePhantom, plus) -> dict:
    """Return the tables on space."""
    rows, details = [], []
    for solution, matrix in solved.items():
        errors = {}
        for sweep in sweeps:
            listed = plus.validation if sweep.name == "validation" else plus.calibration
            is_plus = "PLUS" in solution
            points = listed.points_px if is_plus else sweep.found.points_px
            poses = listed.T_probe_to_reference if is_plus else sweep.T_probe_to_reference
            errors[sweep.name] = spatial.evaluate(matrix, points, poses, phantom)
            index = np.arange(len(poses)) if is_plus else sweep.frame_index
            details.append(_error_rows(solution, sweep.name, index, errors[sweep.name]))
        rows.append(_solution_row(solution, matrix, errors, plus))
    return {
        "wire_finding": (pd.concat(map(_finding_rows, sweeps)), ["sweep", "frame_index"]),
        "spatial_calibration": (pd.DataFrame(rows), ["solution"]),
        "spatial_errors": (pd.concat(details), ["solution", "sweep", "frame_index", "wire"]),
        "spatial_scatter": (_scatter_rows(study, sweeps[0], phantom), ["method", "quantity"]),
    }


def _finding_rows(sweep: WireSweep) -> pd.DataFrame:
    """Return one row per frame: found or why not, and how far from PLUS's points."""
    distance = np.linalg.norm(sweep.found.points_px - sweep.plus_points_px, axis=-1)
    return pd.DataFrame(
        {
            "sweep": sweep.name,
            "frame_index": sweep.frame_index,
            "is_found": sweep.found.is_found,
            "reason": sweep.found.reasons,
            "misfit": sweep.found.misfit,
            "distance_to_plus_px_mean": distance.mean(axis=1),
            "distance_to_plus_px_max": distance.max(axis=1),
        }
    )


def _solution_row(solution: str, matrix, errors: dict, plus) -> dict:
    """Return one solution: errors in and out of sample, and its distance from PLUS's."""
    centre = np.nanmean(plus.calibration.points_px, axis=(0, 1))
    apart = spatial.difference(matrix, plus.T_pixel_to_probe, centre_px=tuple(centre))
    row = {"solution": solution}
    for name, found in errors.items():
        row |= {
            f"{name}_error_mm_mean": found.error_mm_mean,
            f"{name}_error_mm_sd": found.error_mm_sd,
            f"{name}_error_mm_mean_all": found.error_mm_mean_all,
            f"{name}_error_mm_sd_all": found.error_mm_sd_all,
            f"{name}_point_to_wire_mm_mean": found.point_to_wire_mm_mean,
            f"{name}_frames_used": found.frames_used,
            f"{name}_frames_total": found.frames_total,
        }
    return row | {
        "origin_from_plus_mm": apart.origin_mm,
        "centre_from_plus_mm": apart.centre_mm,
        "angle_from_plus_deg": apart.angle_deg,
        **{f"T_{i}{j}": matrix[i, j] for i in range(3) for j in range(4)},
    }


def _error_rows(solution: str, sweep: str, frame_index, errors) -> pd.DataFrame:
    """Return one row per frame and middle wire."""
    middle = errors.wire_names[1::3]
    wide = pd.DataFrame(errors.reprojection_mm, columns=middle, index=frame_index)
    long = wide.rename_axis("frame_index").reset_index().melt("frame_index", var_name="wire")
    return long.rename(columns={"value": "error_mm"}).assign(solution=solution, sweep=sweep)


def _scatter_rows(study: config.Study, sweep: WireSweep, phantom: NWirePhantom) -> pd.DataFrame:
    """Return how each method's solution scatters when frames are drawn again."""
    rows = []
    for method in METHODS:
        scatter = spatial_bootstrap.bootstrap(
            sweep.found.points_px,
            sweep.T_probe_to_reference,
            phantom,
            count=study.calibration.bootstrap,
            rng=generator(study.common.seed, STAGE, method),
            method=method,
        )
        for axis, shift, turn in zip(
            ("lateral", "axial", "elevational"),
            scatter.shift_sd_mm,
            scatter.rotation_sd_deg,
            strict=True,
        ):
            rows.append((method, f"shift {axis}", "mm", shift))
            rows.append((method, f"rotation about {axis}", "deg", turn))
    return pd.DataFrame(rows, columns=["method", "quantity", "unit", "sd"])


def _write_figure_input(study: config.Study, sweep: WireSweep, phantom: NWirePhantom) -> None:
    """Save one frame with the wires found in it."""
    middle = len(sweep.frame_index) // 2
    arrays = {
        "frame": sweep.example,
        "points_px": sweep.found.points_px[middle],
        "plus_points_px": sweep.plus_points_px[middle],
        "wire_names": np.array(phantom.names),
        "frame_index": np.array(sweep.frame_index[middle]),
    }
    runner.write_figure_input(study, STAGE, arrays)


def _metrics(content: dict) -> dict:
    """Return the stage's headline numbers."""
    solutions = content["spatial_calibration"][0].set_index("solution")
    finding = content["wire_finding"][0]
    classic, joint = solutions.loc["classic"], solutions.loc["joint"]
    listed = solutions.loc["classic, from PLUS's points"]
    return {
        "frames_found": int(finding["is_found"].sum()),
        "frames_total": len(finding),
        "classic_validation_error_mm_mean": classic["validation_error_mm_mean"],
        "classic_validation_error_mm_mean_all": classic["validation_error_mm_mean_all"],
        "classic_origin_from_plus_mm": classic["origin_from_plus_mm"],
        "classic_angle_from_plus_deg": classic["angle_from_plus_deg"],
        "from_plus_points_validation_error_mm_mean": listed["validation_error_mm_mean"],
        "joint_validation_error_mm_mean": joint["validation_error_mm_mean"],
        "classic_validation_point_to_wire_mm_mean": classic["validation_point_to_wire_mm_mean"],
        "joint_validation_point_to_wire_mm_mean": joint["validation_point_to_wire_mm_mean"],
        **calibration_time.metrics(content),
    }


if __name__ == "__main__":
    runner.run(STAGE, main)
