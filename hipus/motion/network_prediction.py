"""Motion predicted by a network: windows in, averaged steps with deviations out.

Decides how a trained network is asked about a whole sweep, what is fused afterwards and what
happens without inertial samples. Deliberately trains nothing and chains no steps (see
`training` and `prediction`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hipus.motion import poses
from hipus.motion.arms import FIELD_NETWORKS, Arm
from hipus.motion.averaging import MergedSteps, merge_windows
from hipus.motion.imu import fuse_rotation, rotation_error_deg
from hipus.motion.prediction import StepPrediction
from hipus.motion.trained_model import TrainedModel
from hipus.motion.uncertainty import Calibration, calibrate, step_errors
from hipus.motion.windows import Windows

if TYPE_CHECKING:
    from torch import nn

    from hipus.motion.preparation import PreparedSweep
    from hipus.motion.target_scaling import TargetScaling

log = logging.getLogger(__name__)

ALONE, WITH_IMU = "network", "with_imu"
"""The two ways a network answers, each with a calibration of its own."""
_BATCH = 32


class NetworkPredictor:
    """A trained network as a `Predictor`.

    Parameters
    ----------
    model : TrainedModel

    Attributes
    ----------
    name : str
        The arm's.

    Notes
    -----
    Where the arm uses the IMU and the sweep has one, its rotations are fused after the
    network (`imu.fuse_rotation`); translations stay as the network says. Without an IMU the
    network's own rotations stand, with the larger deviations they had on validation, and a
    warning says so.
    """

    def __init__(self, model: TrainedModel) -> None:
        """Keep the model."""
        self.model = model
        self.name = model.arm.name

    def predict(self, prepared: PreparedSweep) -> StepPrediction:
        """Return the predicted steps of one sweep.

        Parameters
        ----------
        prepared : PreparedSweep
            With thumbnails of the model's size and the maps its arm looks at. Poses are not
            looked at.

        Returns
        -------
        StepPrediction
            Deviations are None for a model that was not calibrated for this way to answer.

        Raises
        ------
        ValueError
            For thumbnails of another size, too few frames or a missing map.
        """
        model = self.model
        size = prepared.thumbnails.shape[-1]
        if size != model.input_px:
            raise ValueError(
                f"sweep {prepared.name} has thumbnails of {size} px, but model {self.name!r} was "
                f"trained on {model.input_px} px"
            )
        (merged,) = merged_steps(model.network, model.arm, scaling=model.scaling, sweeps=[prepared])
        return self.predict_from(merged, prepared)

    def predict_from(self, merged: MergedSteps, prepared: PreparedSweep) -> StepPrediction:
        """Return the predicted steps of a sweep whose windows were asked about before.

        Parameters
        ----------
        merged : MergedSteps
            As `merged_steps` returns it: arms that differ in the IMU alone share it.
        prepared : PreparedSweep

        Returns
        -------
        StepPrediction
        """
        model, kind = self.model, self._kind(prepared)
        steps = merged.T_next_to_previous
        if kind == WITH_IMU:
            steps = _fused(model, steps, prepared)
        if kind not in model.calibrations:
            return StepPrediction(steps)
        sd = _deviations(model, spread_of(merged), prepared, kind=kind)
        return StepPrediction(steps, sd[:, :3], sd[:, 3:], model.calibrations[kind].shared)

    def _kind(self, prepared: PreparedSweep) -> str:
        """Return which way to answer; say so where the IMU is missed."""
        if not self.model.arm.uses_imu:
            return ALONE
        if prepared.imu_rotations is not None:
            return WITH_IMU
        log.warning(
            "sweep %s has no inertial rotation: rotations of %r are the network's alone",
            prepared.name,
            self.name,
        )
        return ALONE


def merged_steps(
    network: nn.Module, arm: Arm, *, scaling: TargetScaling, sweeps: Sequence[PreparedSweep]
) -> list[MergedSteps]:
    """Ask a network about all windows of sweeps and average what it says of each step.

    Parameters
    ----------
    network : torch.nn.Module
        As `arms.build_network` builds it.
    arm : Arm
    scaling : TargetScaling
    sweeps : sequence of PreparedSweep

    Returns
    -------
    list of MergedSteps
        One a sweep.

    Raises
    ------
    ValueError
        If a sweep is shorter than a window, sizes differ or a map is missing.
    """
    windows = Windows(sweeps, frames=arm.frames, channels=arm.channels)
    found = []
    for index, sweep in enumerate(sweeps):
        rows = windows.covering(index, is_overlapping=arm.overlap)
        numbers = numbers_of(network, windows, rows, arm=arm)
        steps = scaling.decode(numbers)
        found.append(merge_windows(steps, windows.start[rows], step_count=len(sweep) - 1))
    return found


def numbers_of(network: nn.Module, windows: Windows, rows: np.ndarray, *, arm: Arm) -> np.ndarray:
    """Return what a network says of windows, standardised.

    Parameters
    ----------
    network : torch.nn.Module
        Asked in evaluation mode; afterwards as it was.
    windows : Windows
    rows : numpy.ndarray (W,) int
    arm : Arm

    Returns
    -------
    numpy.ndarray (W, steps, numbers) float64
    """
    import torch

    device = next(network.parameters()).device
    said = []
    with torch.inference_mode(), evaluating(network):
        for start in range(0, len(rows), _BATCH):
            inputs = torch.from_numpy(windows.inputs(rows[start : start + _BATCH])).to(device)
            numbers = network(inputs)
            numbers = numbers.numbers if arm.network in FIELD_NETWORKS else numbers
            said.append(numbers.cpu().double().numpy())
    return np.concatenate(said).reshape(len(rows), arm.step_count, arm.numbers_per_step)


@contextmanager
def evaluating(network: nn.Module):
    """Put a network into evaluation mode for the block, then back.

    Parameters
    ----------
    network : torch.nn.Module
    """
    was_training = network.training
    network.eval()
    try:
        yield network
    finally:
        network.train(was_training)


def calibrated(model: TrainedModel, validation: Sequence[PreparedSweep]) -> TrainedModel:
    """Return a model whose deviations and trust in the IMU are fitted on validation sweeps.

    Parameters
    ----------
    model : TrainedModel
    validation : sequence of PreparedSweep
        With tracked poses; never seen in training.

    Returns
    -------
    TrainedModel
        Sharing the network.
    """
    merged = merged_steps(model.network, model.arm, scaling=model.scaling, sweeps=validation)
    said = [one.T_next_to_previous for one in merged]
    found = {ALONE: _calibration(said, merged, validation)}
    felt = [place for place, sweep in enumerate(validation) if sweep.imu_rotations is not None]
    if not felt:
        return replace(model, calibrations=found)
    turned = np.concatenate([validation[place].imu_rotations for place in felt])
    true = np.concatenate([_true_steps(validation[place])[:, :3, :3] for place in felt])
    model = replace(model, calibrations=found, imu_sd_deg=rotation_error_deg(turned, true))
    fused = [_fused(model, said[place], validation[place]) for place in felt]
    chosen = [merged[place] for place in felt], [validation[place] for place in felt]
    return replace(model, calibrations=found | {WITH_IMU: _calibration(fused, *chosen)})


def spread_of(merged: MergedSteps) -> np.ndarray:
    """Return the deviations over windows as the six columns of `uncertainty`, (N-1, 6)."""
    return np.hstack([merged.sd_mm, merged.sd_deg])


def _calibration(steps, merged, sweeps) -> Calibration:
    """Return the calibration of steps of sweeps with known poses."""
    pairs = zip(steps, sweeps, strict=True)
    errors = [step_errors(T, _true_steps(sweep)) for T, sweep in pairs]
    return calibrate(errors, [spread_of(one) for one in merged])


def _true_steps(sweep: PreparedSweep) -> np.ndarray:
    """Return the tracked steps (N-1, 4, 4) of a sweep."""
    return poses.steps(sweep.T_centre_to_world)


def _fused(model: TrainedModel, steps: np.ndarray, prepared: PreparedSweep) -> np.ndarray:
    """Return steps (N-1, 4, 4) with inertial rotation, each weighed by its validation error."""
    if model.imu_sd_deg is None:
        return fuse_rotation(steps, prepared.imu_rotations)
    network_sd_deg = model.calibrations[ALONE].floor[3:]
    return fuse_rotation(
        steps,
        prepared.imu_rotations,
        network_sd_deg=network_sd_deg,
        imu_sd_deg=model.imu_sd_deg,
    )


def _deviations(
    model: TrainedModel, spread: np.ndarray, prepared: PreparedSweep, *, kind: str
) -> np.ndarray:
    """Return the deviations (N-1, 6) of steps; where nothing was felt, the network's alone."""
    sd = model.calibrations[kind].deviations(spread)
    if kind == WITH_IMU:
        is_felt = np.isfinite(prepared.imu_rotations).all(axis=(1, 2))
        sd[~is_felt] = model.calibrations[ALONE].deviations(spread)[~is_felt]
    return sd
