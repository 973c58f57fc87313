"""`hipus run`."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.motion import Side, SweepType
from hipus.cli.output import emit, refuse_input, tell
from hipus.cli.run_sweeps import PoseChoice

#: What the study itself applies.
MOTION_MODEL, MODEL = "sweep_context", "3.2"

log = logging.getLogger(__name__)

SweepFile = Annotated[
    Path, typer.Argument(help="Sweep: .igs.mha, .igs.mhd, .igs.nrrd, .h5 or Clarius .raw.")
]
Folder = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for everything; made if missing.")
]
HipSide = Annotated[Side, typer.Option(help="Hip; tells which way the probe went.")]
Type = Annotated[
    SweepType | None, typer.Option(help="Trims standstills; left out: the sweep is taken whole.")
]
Poses = Annotated[
    PoseChoice, typer.Option(help="auto: the tracker's if there are any, else predicted.")
]
MotionModel = Annotated[str, typer.Option(help="Name of a motion model, or its folder.")]
Model = Annotated[str, typer.Option(help="3.1, 3.2, or the folder of a model of volumes.")]
AgeDays = Annotated[float | None, typer.Option(help="Age of the infant, for type II.")]
ImageToProbe = Annotated[
    Path | None, typer.Option(help="PLUS .xml, TUS-REC .csv or our .json; left out: its own.")
]
PixelSpacing = Annotated[
    tuple[float, float] | None,
    typer.Option(metavar="X Y", help="Side of a pixel, where there is no calibration."),
]
ImuLog = Annotated[Path | None, typer.Option(help="Clarius _imu.yml log of the sweep.")]
Mounting = Annotated[
    Path | None, typer.Option(help="JSON with T_imu_to_probe, the sensor's mounting.")
]
Scales = Annotated[
    Path | None, typer.Option(help="Table of the study by which intervals are widened, .csv.")
]
Fast = Annotated[
    bool, typer.Option("--fast", help="Do not average over mirrored volumes, as the study does.")
]
KeepPoses = Annotated[
    bool,
    typer.Option("--keep-poses", help="Do not move predicted poses until the head is round."),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Begin anew, also in a folder of another sweep.")
]
Profile = Annotated[
    str | None, typer.Option(help="Where models are looked for; left out: paper, then small.")
]


def run(
    sweep: SweepFile,
    output: Folder,
    side: HipSide,
    sweep_type: Type = None,
    poses: Poses = PoseChoice.AUTO,
    motion_model: MotionModel = MOTION_MODEL,
    model: Model = MODEL,
    age_days: AgeDays = None,
    image_to_probe: ImageToProbe = None,
    pixel_spacing_mm: PixelSpacing = None,
    imu: ImuLog = None,
    imu_to_probe: Mounting = None,
    interval_scales: Scales = None,
    fast: Fast = False,
    keep_poses: KeepPoses = False,
    overwrite: Overwrite = False,
    profile: Profile = None,
) -> None:
    """Go the whole way from one sweep to a report: poses, volume, masks, meshes, measures.

    The folder gets poses.csv (and poses_round.csv where predicted poses were moved until the
    head is round), volume.mha, mask.mha with its sidecar, meshes/*.stl (LPS, mm),
    measurements.json, graf.png, report.html and run.json, which records what made them. A run
    that was interrupted goes on where it stopped; what depends on a changed option is made
    anew. Exit status 1 if nothing could be measured; the report then says why. Not a medical
    device.
    """
    from hipus.cli import run_sweeps

    if age_days is not None and not 0 <= age_days < math.inf:
        raise typer.BadParameter(f"--age-days must be at least 0, got {age_days}")
    recording = run_sweeps.Recording(
        path=sweep,
        side=side.value,
        sweep_type=sweep_type.value if sweep_type else "",
        choice=poses,
        image_to_probe=image_to_probe,
        imu=imu,
        imu_to_probe=imu_to_probe,
        spacing_xy_mm=pixel_spacing_mm,
    )
    found = _opened(recording, output, motion_model, model, profile)
    found = found(is_fast=fast, age_days=age_days, scales=interval_scales, keeps_poses=keep_poses)
    _go(found, overwrite=overwrite)


def _opened(recording, output: Path, motion_model: str, model: str, profile: str | None):
    """Check the sweep and the models before anything is written, and return what makes a run."""
    from functools import partial

    from hipus.cli import run_poses, run_request, run_sweeps
    from hipus.motion import stored_models as motion_models
    from hipus.segmentation import stored_models

    run_sweeps.read(recording)
    tracked, _ = run_poses.tracked_sweep(recording)
    profiles = (profile,) if profile else stored_models.NEWEST_FIRST
    return partial(
        run_request.Run,
        recording=recording,
        folder=output,
        motion_folder=None if tracked else motion_models.find(motion_model, profiles),
        model_folder=stored_models.find(model, profiles),
        origin=run_sweeps.origin_of(recording),
    )


def _go(found, *, overwrite: bool) -> None:
    """Make every step, say how long each took, and show what was measured."""
    from hipus.cli import measure_report, run_request, run_steps, run_sweeps
    from hipus.cli.run_folder import RunFolder, fingerprints

    start = time.perf_counter()
    files = run_sweeps.input_files(found.recording)
    refuse_input(found.folder, *files)
    steps = run_steps.steps_of(found)
    folder = RunFolder(found.folder, inputs=fingerprints(files), overwrite=overwrite)
    done = folder.run(steps, tell=tell)
    seconds = time.perf_counter() - start
    tell(f"{found.folder / run_request.REPORT}: {seconds:.1f} s in all")
    measured = done["measurements"].facts
    emit(
        {
            "disclaimer": measure_report.DISCLAIMER,
            "source": found.recording.path.name,
            "origin": found.origin,
            "written": found.folder,
            "report": found.folder / run_request.REPORT,
            "poses": done["poses"].facts["told_by"],
            "measures": measured["measures"],
            "graf_type": measured["graf_type"],
            "seconds": {name: one.seconds for name, one in done.items()},
            "seconds_this_time": round(seconds, 3),
        }
    )
    if measured["refusal"]:
        raise ValueError(
            f"{found.recording.path}: nothing could be measured: {measured['refusal']}"
        )
