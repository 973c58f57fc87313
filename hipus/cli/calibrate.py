"""`hipus calibrate space`, `hipus calibrate time`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from hipus.cli.output import emit, refuse_input
from hipus.files import atomic_path

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Calibrate a tracked probe in space or in time.",
)

Output = Annotated[Path, typer.Option("--output", "-o", help="JSON file to write.")]


class Method(StrEnum):
    """How the spatial calibration is solved."""

    CLASSIC = "classic"
    JOINT = "joint"


@app.command("time")
def time(
    video: Annotated[Path, typer.Argument(help="Sequence that shows a moving plane.")],
    tracker: Annotated[Path, typer.Argument(help="Sequence with the probe's poses.")],
    output: Output,
    probe: Annotated[str, typer.Option(help="Name of the probe's frame.")] = "Probe",
    reference: Annotated[str, typer.Option(help="What the poses refer to.")] = "Tracker",
    max_lag_s: Annotated[float, typer.Option(help="Largest lag considered, either way.")] = 0.5,
) -> None:
    """Estimate the lag between images and poses: pose_time = image_time + lag_s."""
    from hipus.calibration import temporal
    from hipus.cli import sources

    refuse_input(output, video, tracker)
    images, poses = sources.read_sequence(video), sources.read_sequence(tracker)
    chain = poses.chain(probe, reference, accepts_unstated=True)
    with atomic_path(output) as target:  # an unwritable place shows before the work
        try:
            found = temporal.calibrate_recordings(
                images.frames, images.time_s, poses.time_s, chain, max_lag_s=max_lag_s
            ).calibration
        except ValueError as error:
            raise ValueError(f"{video} and {tracker}: {error}") from error
        emit(_lag_facts(found), target)


def _lag_facts(found) -> dict:
    """Return what is known of a lag."""
    return {
        "lag_s": found.lag_s,
        "lag_sd_s": found.lag_sd_s,
        "lag_interval_95_s": found.lag_interval_s,
        "correlation": found.correlation,
        "second_lag_s": found.second_lag_s,
        "second_correlation": found.second_correlation,
        "frames_used": found.samples_used,
        "frames_total": found.samples_total,
    }


@app.command("space")
def space(
    calib: Annotated[Path, typer.Argument(help="Sequence over the wires, to calibrate from.")],
    valid: Annotated[Path, typer.Argument(help="Another sequence, to judge the calibration.")],
    phantom: Annotated[Path, typer.Option(help="PLUS .xml with the phantom's wires.")],
    output: Output,
    method: Annotated[Method, typer.Option(help="How it is solved.")] = Method.CLASSIC,
    probe: Annotated[str, typer.Option(help="Name of the probe's frame.")] = "Probe",
    reference: Annotated[str, typer.Option(help="Name of the phantom's marker.")] = "Reference",
) -> None:
    """Calibrate the image against the probe's marker on an N-wire phantom.

    Errors are of the middle wires in 3D: by the PLUS toolkit's rule (mean of the best 95
    percent) and, with `_all`, of all of them. Judge by the validation errors.
    """
    from hipus.calibration import plus_phantom, spatial

    refuse_input(output, calib, valid, phantom)
    wires = plus_phantom.read_phantom(phantom)
    recordings = [_posed(path, probe, reference) for path in (calib, valid)]
    with atomic_path(output) as target:  # an unwritable place shows before the work
        fitted_on, judged_on = (_wire_points(*recording, wires) for recording in recordings)
        found = spatial.calibrate(*fitted_on, wires, method=method.value)
        errors = spatial.evaluate(found.T_pixel_to_probe, *judged_on, wires)
        emit(spatial.to_json(found, errors), target)


def _posed(path: Path, probe: str, reference: str):
    """Return a sequence and the probe's poses in it."""
    from hipus.cli import sources

    sequence = sources.read_sequence(path)
    return sequence, sequence.chain(probe, reference)


def _wire_points(sequence, poses, wires):
    """Return the wire points and the poses of a sequence, showing progress."""
    from hipus.calibration.nwire import find_in_frames
    from hipus.cli.progress import Watched

    frames = Watched(sequence.frames, Path(sequence.source).name)
    points_px = find_in_frames(frames, wires).points_px
    if not np.isfinite(points_px).all(axis=(1, 2)).any():
        raise ValueError(f"{sequence.source}: none of {len(sequence)} frames shows all the wires")
    return points_px, poses
