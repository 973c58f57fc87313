"""`hipus track`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.output import emit, refuse_input


class Side(StrEnum):
    """Which hip was swept."""

    LEFT = "left"
    RIGHT = "right"


class SweepType(StrEnum):
    """Sweeps of the protocol that travel."""

    P_A = "p_a"
    P_D = "p_d"


_ELEVATIONAL = {
    "left": "-z of the image, as p_a and p_d sweeps of left hips travel",
    "right": "+z of the image, as p_a and p_d sweeps of right hips travel",
    "": "+z of the image, assumed: without --side pictures do not tell the sign",
}
_UNKNOWN_TYPE = "unknown: taken whole, standstills too, and not looked at for a flip"


def track(
    sweep: Annotated[
        Path, typer.Argument(help="Sweep: .igs.mha, .igs.mhd, .igs.nrrd, .h5 or Clarius .raw.")
    ],
    model: Annotated[str, typer.Option(help="Name of a model, or its folder.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Poses: .csv, .npz or a sequence, .igs.mha.")
    ],
    side: Annotated[Side | None, typer.Option(help="Hip; tells which way the probe went.")] = None,
    sweep_type: Annotated[SweepType | None, typer.Option(help="Trims and turns it.")] = None,
    flipped: Annotated[
        bool, typer.Option("--flipped", help="The probe was held turned by 180 degrees.")
    ] = False,
    image_to_probe: Annotated[
        Path | None,
        typer.Option(help="PLUS .xml, TUS-REC .csv or our .json; left out: the sweep's own."),
    ] = None,
    pixel_spacing_mm: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="X Y", help="Side of a pixel, where there is no calibration."),
    ] = None,
    imu: Annotated[Path | None, typer.Option(help="Clarius _imu.yml log of the sweep.")] = None,
    imu_to_probe: Annotated[
        Path | None, typer.Option(help="JSON with T_imu_to_probe, the sensor's mounting.")
    ] = None,
    subject_id: Annotated[str, typer.Option(help="Name to write beside the poses.")] = "unknown",
    sweep_id: Annotated[str, typer.Option(help="Left out: the file's own, or its name.")] = "",
    profile: Annotated[
        str | None, typer.Option(help="Where a name is looked for; left out: paper, then small.")
    ] = None,
) -> None:
    """Predict the poses of a sweep that nobody tracked, with their uncertainty.

    Poses are of the image's centre as it was recorded, seen from the first kept frame. With
    `--sweep-type` the standstills at both ends are trimmed, and a probe held turned is found
    by its pictures. Poses that the file may hold are not looked at.
    """
    from hipus.cli import sources
    from hipus.cli.untracked import read_mounting, read_untracked
    from hipus.motion import pose_files, stored_models, tracking

    refuse_input(output, sweep, image_to_probe, imu, imu_to_probe)
    recorded = read_untracked(
        sweep,
        calibration=sources.read_calibration(image_to_probe) if image_to_probe else None,
        spacing_xy_mm=pixel_spacing_mm,
        imu=imu,
        mounting=read_mounting(imu_to_probe) if imu_to_probe else None,
    )
    pose_files.check_target(output, recorded)
    profiles = (profile,) if profile else stored_models.NEWEST_FIRST
    found = stored_models.load(stored_models.find(model, profiles))
    try:
        tracked = tracking.track(
            recorded,
            found,
            side=side or "",
            sweep_type=sweep_type or "",
            subject_id=subject_id,
            sweep_id=sweep_id or recorded.sweep_id or sweep.name.split(".")[0],
            is_flipped=flipped,
        )
    except ValueError as error:
        raise ValueError(f"{sweep}: {error}") from error
    pose_files.write(tracked, output, sweep=recorded)
    emit({"written": output, "model_folder": found.folder, **_track_facts(tracked, recorded)})


def _track_facts(tracked, recorded) -> dict:
    """Return what is known of a prediction, and what had to be assumed."""
    time_s, T = tracked.prediction.time_s, tracked.prediction.T_centre_to_first
    return {
        "model": tracked.model,
        "model_trained_on": tracked.origin,
        "frames_total": tracked.frame_count,
        "frames_kept": len(tracked.prediction),
        "frames_trimmed": [[p.start, p.stop - 1] for p in tracked.trimmed if p.stop > p.start],
        "first_frame": tracked.prediction.first_frame,
        "duration_s": float(time_s[-1] - time_s[0]),
        "path_mm": tracked.path_mm,
        "end_lateral_axial_elevational_mm": T[-1, :3, 3],
        "end_sd_mm": tracked.sd_mm[-1],
        "end_sd_deg": tracked.sd_deg[-1],
        "elevational_travel": _ELEVATIONAL[tracked.side],
        "sweep_type": tracked.sweep_type or _UNKNOWN_TYPE,
        "pictures_turned": tracked.is_turned,
        "inertial_rotation": _inertial(tracked, recorded),
    }


def _inertial(tracked, recorded) -> str:
    """Say what there was of inertial rotation."""
    steps = len(tracked.prediction) - 1
    if tracked.felt_steps == steps:
        return "there"
    if tracked.has_imu:
        return (
            f"there for {tracked.felt_steps} of {steps} steps: its log leaves out the others, "
            "whose rotations are the model's own"
        )
    if recorded.imu is None:
        return "none: the recording has no inertial samples"
    return "none: where the sensor sits to the picture is not known"
