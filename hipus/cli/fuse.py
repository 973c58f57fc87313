"""`hipus fuse`."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hipus.cli.motion import Side, SweepType
from hipus.cli.origins import facts_file
from hipus.cli.output import emit, refuse_input, tell
from hipus.cli.run import (
    MODEL,
    MOTION_MODEL,
    Fast,
    HipSide,
    Model,
    MotionModel,
    Poses,
    Profile,
)
from hipus.cli.run_sweeps import PoseChoice
from hipus.files import atomic_path

#: Head centres or radii of two sweeps that are further apart than this: perhaps two infants.
DOUBTED_MM = 2.5

log = logging.getLogger(__name__)

First = Annotated[Path, typer.Argument(metavar="SWEEP_PA", help="Sweep of type p_a.")]
Second = Annotated[Path, typer.Argument(metavar="SWEEP_PD", help="Sweep of type p_d.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Volume to write, e.g. .mha.")]
MaskFile = Annotated[Path | None, typer.Option("--mask", help="Write the fused labels too.")]
SpacingMm = Annotated[
    float | None, typer.Option(help="Voxel side; left out: that of the model's volumes.")
]


def fuse(
    sweep_pa: First,
    sweep_pd: Second,
    output: Output,
    side: HipSide,
    mask: MaskFile = None,
    poses: Poses = PoseChoice.AUTO,
    motion_model: MotionModel = MOTION_MODEL,
    model: Model = MODEL,
    spacing_mm: SpacingMm = None,
    fast: Fast = False,
    profile: Profile = None,
) -> None:
    """Fuse a p_a and a p_d sweep of one hip into one volume.

    Each sweep is put into a volume by its tracker's poses or by predicted ones, and labelled.
    The pelvis is registered, both trajectories are refined where they cross, each sweep is
    labelled again, and grey values are taken from the sweep that sees a place better; labels
    are those of the sweep that shows the roof. Measure the result with `hipus measure VOLUME
    --mask MASK`. Not a medical device.
    """
    from hipus import images
    from hipus.fusion.fuse import fuse_sweeps
    from hipus.fusion.trajectories import PREDICTED, TRACKED

    images.check_suffix(output)
    _check_files(sweep_pa, sweep_pd, output, mask)
    if spacing_mm is not None and not 0 < spacing_mm < float("inf"):
        raise typer.BadParameter(f"--spacing-mm must be positive, got {spacing_mm}")
    opened = _Opener(side, poses, motion_model, model, fast, profile)
    pair, told = zip(opened(sweep_pa, SweepType.P_A), opened(sweep_pd, SweepType.P_D), strict=True)
    _check_anatomy(pair, (sweep_pa, sweep_pd), side)
    spreads = tuple(TRACKED if one["told_by"] == "tracker" else PREDICTED for one in told)
    tell("fusing ...")
    try:
        fused = fuse_sweeps(*pair, spreads=spreads, relabel=opened.label, spacing_mm=spacing_mm)
    except ValueError as error:
        raise ValueError(f"{sweep_pa} and {sweep_pd}: {error}") from error
    _warn(pair, fused, (sweep_pa, sweep_pd))
    # The facts' place is taken first: an unwritable folder shows now.
    with atomic_path(facts_file(output)) as facts:
        _write(fused, output, mask, opened, of=f"{sweep_pa.name} and {sweep_pd.name}")
        poses_told = dict(zip((sweep_pa.name, sweep_pd.name), told, strict=True))
        emit(_facts(fused, output, mask, opened) | {"poses": poses_told}, facts)


class _Opener:
    """Opens sweeps, each with poses, its volume and its labels."""

    def __init__(self, side: Side, poses, motion_model: str, model: str, fast: bool, profile):
        from hipus.segmentation import application, stored_models

        self.side, self.poses, self.motion_model = side, poses, motion_model
        self.profiles = (profile,) if profile else stored_models.NEWEST_FIRST
        folder = stored_models.find(model, self.profiles)
        self.segmenter = application.open_model(folder, is_fast=fast)
        if not application.labels_volumes(self.segmenter):
            name = self.segmenter.model.model_id
            raise ValueError(f"--model must label volumes (3.1 or 3.2), model {name} labels frames")
        if self.segmenter.model.about["scheme"] != "hip":
            scheme = self.segmenter.model.about["scheme"]
            raise ValueError(f"--model must label by scheme 'hip', {model} labels by {scheme!r}")
        self.origins: set[str] = set()

    def __call__(self, path: Path, sweep_type: SweepType) -> tuple[object, dict]:
        """Return a labelled sweep, and what is known of its poses."""
        from hipus.cli import run_poses, run_sweeps

        tell(f"{path.name} ...")
        one = run_sweeps.Recording(path, self.side.value, sweep_type.value, self.poses)
        self.origins.add(run_sweeps.origin_of(one))
        sweep = run_sweeps.read(one)
        tracked, _ = run_poses.tracked_sweep(one)
        found = run_poses.find_poses(
            one, sweep, motion_folder=None if tracked else self._motion_folder()
        )
        return self._labelled(one, sweep, found), found.facts

    def _motion_folder(self) -> Path:
        from hipus.motion import stored_models

        return stored_models.find(self.motion_model, self.profiles)

    def _labelled(self, one, sweep, found):
        """Return a sweep with its volume and what that shows."""
        from hipus.cli import run_sweeps
        from hipus.fusion.fuse import LabelledSweep
        from hipus.segmentation import application
        from hipus.segmentation.sweep_volumes import make_sweep_volume

        placed = run_sweeps.place(one, sweep, found.prediction)
        spacing_mm = application.volume_spacing_mm(self.segmenter)
        volume = make_sweep_volume(placed, spacing_mm=spacing_mm)
        return LabelledSweep(placed, volume, self.label(volume))

    def label(self, volume):
        """Return what a sweep's volume shows, (D, H, W) uint8."""
        import numpy as np

        from hipus.segmentation import application

        grey = volume.placed(np.rint(volume.grey).astype(np.uint8))
        return application.label_volume(self.segmenter, grey).array

    @property
    def origin(self) -> str:
        """Return "simulated" if any of the sweeps is."""
        return "simulated" if "simulated" in self.origins else "recorded"


def _check_files(pa: Path, pd: Path, output: Path, mask: Path | None) -> None:
    """Raise if both sweeps are one, or an output would replace a file of this call."""
    from hipus import images

    for path in (pa, pd):
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing")
    if pa.samefile(pd):
        raise ValueError(f"SWEEP_PA and SWEEP_PD must be two sweeps of one hip, got {pa} for both")
    refuse_input(output, pa, pd)
    if mask is not None:
        images.check_suffix(mask)
        refuse_input(mask, pa, pd)
        if mask.resolve() == output.resolve():
            raise ValueError(f"--mask must not be the volume's own file, got {mask} for both")


def _check_anatomy(pair, paths: tuple[Path, Path], side: Side) -> None:
    """Refuse two sweeps of which anatomy says strongly that they show two sides."""
    from hipus.morphometry.hip_measures import DOUBT_LOG_ODDS, measure_hip

    found = {}
    for one, path in zip(pair, paths, strict=True):
        hip = measure_hip(
            one.labels, scheme="hip", spacing_zyx_mm=one.volume.grid.spacing_zyx_mm, side=side.value
        )
        sure = hip.side is not None and abs(hip.side_log_odds) >= DOUBT_LOG_ODDS
        found[path.name] = (hip.side_log_odds > 0) if sure else None
        if found[path.name] is False:
            log.warning("%s: stated as %s, anatomy speaks against it", path.name, side.value)
    if set(found.values()) == {True, False}:
        other = next(name for name, agrees in found.items() if not agrees)
        raise ValueError(
            f"{paths[0]} and {paths[1]} must show one hip, the {side.value} one: by anatomy "
            f"{other} shows the other"
        )


def _warn(pair, fused, paths: tuple[Path, Path]) -> None:
    """Say what speaks against both sweeps being of one infant."""
    from hipus.fusion.anatomy import find_head

    radii = [find_head(one.labels, one.volume.grid, name=one.name)[1] for one in pair]
    apart = {
        "head centres, once fused,": fused.diagnostics.heads_apart_mm,
        "head radii": abs(radii[1] - radii[0]),
    }
    for what, mm in apart.items():
        if mm > DOUBTED_MM:
            log.warning("%s and %s: %s differ by %.1f mm: are both of one infant?",
                        paths[0].name, paths[1].name, what, mm)  # fmt: skip


def _write(fused, output: Path, mask: Path | None, opened: _Opener, *, of: str) -> None:
    """Write the volume, and the labels where they are wanted."""
    import numpy as np

    from hipus import images
    from hipus.formats.mask_files import write_mask

    grid, volume = fused.volume.grid, fused.volume
    grey = images.Volume(
        np.rint(volume.grey).astype(np.uint8), grid.spacing_zyx_mm, grid.origin_xyz_mm
    )
    if mask is not None:
        write_mask(replace(grey, array=volume.labels), mask, scheme="hip", of=of,
                   made_by=f"model {opened.segmenter.model.model_id}, fused",
                   origin=opened.origin)  # fmt: skip
    images.write(grey, output)


def _facts(fused, output: Path, mask: Path | None, opened: _Opener) -> dict:
    """Return what is known of a fusion."""
    volume, told = fused.volume, fused.diagnostics
    return {
        "disclaimer": "Not a medical device.",
        "volume": output.name,
        "mask": mask and mask.name,
        "origin": opened.origin,
        "model": opened.segmenter.model.model_id,
        "shape_zyx": volume.grid.shape_zyx,
        "spacing_xyz_mm": volume.grid.spacing_xyz_mm,
        "known_percent": 100.0 * float(volume.is_known.mean()),
        "common_mm3": told.common_mm3,
        "heads_apart_mm": told.heads_apart_mm,
        "rigid_correlation": told.rigid.correlation,
        "T_second_to_first": fused.T_second_to_first,
    }
