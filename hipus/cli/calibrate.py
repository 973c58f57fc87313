"""`hipus calibrate space`, `hipus calibrate time`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.output import emit

app = typer.Typer(no_args_is_help=True, help="Calibrate a tracked probe in space or in time.")

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

    images, poses = sources.read_sequence(video), sources.read_sequence(tracker)
    found = temporal.calibrate_recordings(
        images.frames,
        images.time_s,
        poses.time_s,
        poses.chain(probe, reference, accepts_unstated=True),
        max_lag_s=max_lag_s,
    ).calibration
    content = {
        "lag_s": found.lag_s,
        "lag_sd_s": found.lag_sd_s,
        "lag_interval_95_s": found.lag_interval_s,
        "correlation": found.correlation,
        "second_lag_s": found.second_lag_s,
        "second_correlation": found.second_correlation,
        "frames_used": found.samples_used,
        "frames_total": found.samples_total,
    }
    emit(content, output)
