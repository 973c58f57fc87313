"""What one `hipus run` is asked, and what it reads once: the sweep, the model, the measured hip.

Decides the names of a run's files. Makes none of them (see `run_steps`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from hipus.cli import run_sweeps
from hipus.cli.run_folder import RECORD
from hipus.cli.run_sweeps import Recording

POSES, VOLUME, MASK, MESHES = "poses.csv", "volume.mha", "mask.mha", "meshes"
#: Predicted poses, moved until the head is round: those of the volume.
ROUND_POSES = "poses_round.csv"
MEASUREMENTS, FIGURE, REPORT = "measurements.json", "graf.png", "report.html"


@dataclass(frozen=True, eq=False)
class MeasuredHip:
    """A measured hip.

    Attributes
    ----------
    found : hipus.cli.measure_inputs.Measurable
    asked : hipus.cli.measure_numbers.Asked
    hip : hipus.morphometry.hip_measures.HipMeasures
    graf_type : hipus.morphometry.graf_types.GrafType
    intervals : dict
        What the intervals hold.
    """

    found: object
    asked: object
    hip: object
    graf_type: object
    intervals: dict


@dataclass(frozen=True, eq=False)
class Run:
    """What one run is asked.

    Attributes
    ----------
    recording : Recording
    folder : Path
    motion_folder : Path or None
        Of the motion model; None where a tracker's poses are taken.
    model_folder : Path
        Of the 3D model.
    is_fast : bool
        No mean over mirrored volumes.
    age_days : float or None
    scales : Path or None
        Table that widens intervals.
    origin : {"simulated", "recorded"}
    keeps_poses : bool
        Predicted poses are not moved until the head is round.
    """

    recording: Recording
    folder: Path
    motion_folder: Path | None
    model_folder: Path
    is_fast: bool
    age_days: float | None
    scales: Path | None
    origin: str
    keeps_poses: bool = False

    @cached_property
    def sweep(self):
        """Return the sweep's pictures."""
        return run_sweeps.read(self.recording)

    @cached_property
    def segmenter(self):
        """Return the 3D model."""
        from hipus.segmentation import application

        found = application.open_model(self.model_folder, is_fast=self.is_fast)
        if not application.labels_volumes(found):
            raise ValueError(
                f"--model must label volumes (3.1 or 3.2), model {found.model.model_id} labels "
                "frames"
            )
        return found

    @cached_property
    def measured(self) -> MeasuredHip:
        """Return what the labelled volume measures."""
        from hipus.cli import measure_inputs, measure_numbers
        from hipus.morphometry.volume_uncertainty import Uncertainty

        found = measure_inputs.of_mask(self / MASK, self / VOLUME, measure_inputs.Stated())
        spacing = tuple(self.step_facts("volume")["spacing_xyz_mm"][::-1])
        found = replace(found, spacing_zyx_mm=spacing, spacing_from="the volume")
        asked = measure_numbers.Asked(self.recording.side, self.age_days, None, Uncertainty())
        hip, graf_type = measure_numbers.measure_volume(found, asked)
        intervals = {"hold": f"labels only, not of {self.pose_kind} poses"}
        if self.scales_used is not None:
            hip, intervals = self._widened(hip)
            graf_type = measure_numbers.type_of(hip.measures, asked)
        return MeasuredHip(found, asked, hip, graf_type, intervals)

    @cached_property
    def scales_used(self) -> Path | None:
        """Return the table that is stated, else the study's own where it is of such hips.

        The study's own is learned on simulated hips: recorded ones do not take it unasked.
        """
        from hipus.cli import run_intervals

        if self.scales is not None or self.origin != "simulated":
            return self.scales
        table = run_intervals.own_scales(self.model_folder)
        if table is not None and run_intervals.has_rows(table, **self._kind):
            return table
        return None

    @property
    def _kind(self) -> dict[str, str]:
        """Return which rows of a table of scales are of this hip."""
        from hipus.segmentation import networks

        model_id = self.segmenter.model.model_id
        masks = "model" if model_id == networks.MODEL_3D_REFINED else model_id
        return {
            "poses": self.pose_kind,
            "masks": masks,
            "sweep_type": self.recording.sweep_type,
        }

    @property
    def pose_kind(self) -> str:
        """Return "tracked", "predicted" or "rounded": predicted and moved."""
        if self.motion_folder is None:
            return "tracked"
        return "rounded" if self.makes_round else "predicted"

    @property
    def makes_round(self) -> bool:
        """Return whether predicted poses are moved until the head is round."""
        return self.motion_folder is not None and not self.keeps_poses

    def _widened(self, hip) -> tuple[object, dict]:
        """Return a hip with intervals as a table of scales has them, and which."""
        found = self.widen(hip.measures)
        told = {
            "hold": f"labels and {self.pose_kind} poses, as {self.scales_used.name} has learnt it",
            "scaled": found.scaled,
            "labels_only": found.unscaled,
        }
        return replace(hip, measures=found.measures), told

    def widen(self, measures):
        """Return measures as `run_intervals.widen` does; none at all only asks for the rows."""
        from hipus.cli import run_intervals

        return run_intervals.widen(measures, self.scales_used, **self._kind)

    def __truediv__(self, name: str) -> Path:
        """Return a file of the folder."""
        return self.folder / name

    def step_facts(self, name: str) -> dict:
        """Return what a finished step found."""
        record = json.loads((self / RECORD).read_text(encoding="utf-8"))
        return record["steps"][name]["facts"]
