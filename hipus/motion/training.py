"""Train a motion network: reproducible, resumable, watched.

Decides the loop: standardised targets, a zero last layer, AdamW with warm-up and cosine,
validation by drift, a checkpoint at each. Deliberately decides no input, no loss and no
network (see `batches`, `losses`, `arms`), and writes no finished model (see `model_file`).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from hipus import seeds
from hipus.motion import cleaning, drift, losses, networks, poses, training_state
from hipus.motion.arms import FIELD_NETWORKS, Arm, build_network
from hipus.motion.batches import Batch, Batches, training_windows
from hipus.motion.displacement_field import field_of_transforms, field_points
from hipus.motion.network_prediction import calibrated, merged_steps
from hipus.motion.preparation import PreparedSweep
from hipus.motion.target_scaling import TargetScaling
from hipus.motion.trained_model import HistoryRow, TrainedModel, TrainingSettings
from hipus.motion.training_state import State

log = logging.getLogger(__name__)


def train(
    arm: Arm,
    training: Sequence[PreparedSweep],
    validation: Sequence[PreparedSweep],
    *,
    settings: TrainingSettings,
    folder: Path,
    progress: bool = True,
    origin: str = "simulated",
) -> TrainedModel:
    """Train an arm, or go on where an earlier run of the same training was stopped.

    Parameters
    ----------
    arm : Arm
    training, validation : sequence of PreparedSweep
        Tracked, of different subjects, with the maps the arm looks at.
    settings : TrainingSettings
    folder : Path
        Scratch: checkpoints go to `<folder>/<key>`, where a key stands for the arm's trained
        choices, settings, sweeps and sources. A finished training is not run again.
    progress : bool
        Show a bar with loss and validation drift, where a person is watching.
    origin : str
        Where the sweeps come from, kept in the model.

    Returns
    -------
    TrainedModel
        After the last iteration; calibrated on the validation sweeps.

    Raises
    ------
    ValueError
        If there is nothing to train or validate on, or a subject is in both.

    Notes
    -----
    On one device, with equal settings, the result is equal bit for bit whether or not the
    run was killed and resumed: batches are functions of the iteration, and a checkpoint holds
    weights, running statistics and the optimiser's moments.
    """
    _check_subjects(training, validation)
    with _threads(settings.threads):
        run = _Run(arm, training, validation, settings=settings, folder=folder)
        run.finish(progress=progress)
        model = TrainedModel(
            arm=arm,
            network=run.network.eval().cpu(),
            scaling=run.scaling,
            settings=settings,
            input_px=run.batches.windows.input_px,
            training_subjects=tuple(sorted({sweep.subject_id for sweep in training})),
            history=run.state.history,
            reference_pictures=_reference_pictures(training),
            origin=origin,
        )
        return calibrated(model, validation)


class _Run:
    """One training under way."""

    def __init__(self, arm, training, validation, *, settings, folder) -> None:
        """Build everything a step needs and take up an earlier checkpoint."""
        self.arm, self.settings, self.validation = arm, settings, validation
        windows = training_windows(training, arm)
        self.scaling = TargetScaling.fit(windows, arm.rotation_numbers)
        self.batches = Batches(windows, arm=arm, scaling=self.scaling, settings=settings)
        self.total = settings.total(self.batches.per_epoch)
        self.network = fresh_network(arm, settings.seed).to(settings.device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), weight_decay=settings.weight_decay, fused=True
        )
        self.points_mm = _points(training[0]) if arm.network in FIELD_NETWORKS else None
        self.folder = Path(folder) / training_state.key(
            arm, settings, network=self.network, training=training, validation=validation
        )
        self.state = self._resumed() or self._kept(0, np.nan, ())

    def finish(self, *, progress: bool) -> None:
        """Train until the last iteration."""
        first = self.state.iteration
        bar = self._bar(first, progress)
        run_losses: list[float] = []
        for iteration, batch in enumerate(self.batches.ahead(first, self.total), start=first):
            run_losses.append(self._step(batch, iteration))
            done = iteration + 1
            if done % self.settings.validate_every == 0 or done == self.total:
                self.state = self._kept(done, float(np.mean(run_losses)), self.state.history)
                run_losses.clear()
                row = self.state.history[-1]
                bar.set_postfix(loss=f"{row.loss:.3f}", drift_mm=f"{row.validation_drift_mm:.2f}")
            bar.update()
        bar.close()

    def _step(self, batch: Batch, iteration: int) -> float:
        """Update the network once and return the loss before it."""
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.rate(iteration, self.total)
        loss = self._loss(batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def _loss(self, batch: Batch) -> torch.Tensor:
        """Return the arm's loss on a batch."""
        device, weights = self.settings.device, self.arm
        inputs, target, sweep_index = (
            torch.from_numpy(part).to(device)
            for part in (batch.inputs, batch.numbers, batch.sweep_index)
        )
        said, fields = self.network(inputs), None
        if self.arm.network in FIELD_NETWORKS:
            truth = torch.from_numpy(batch.T_next_to_previous).float().to(device)
            points = self.points_mm.to(device)
            fields = losses.Fields(said.field_mm, field_of_transforms(truth, points), points)
            said = said.numbers
        terms = losses.LossWeights(
            weights.correlation_weight, weights.field_weight, weights.rigidity_weight
        )
        return losses.motion_loss(
            said.view_as(target), target, weights=terms, sweep_index=sweep_index, fields=fields
        ).total

    def _kept(self, iteration: int, loss: float, history: tuple[HistoryRow, ...]) -> State:
        """Validate, keep a checkpoint and return the state."""
        row = HistoryRow(iteration, loss, self._validation_drift_mm())
        state = State(
            iteration, self.network.state_dict(), self.optimiser.state_dict(), (*history, row)
        )
        training_state.write(state, self.folder)
        return state

    def _resumed(self) -> State | None:
        """Load an earlier checkpoint into network and optimiser."""
        state = training_state.read(self.folder, device=self.settings.device)
        if state is not None:
            self.network.load_state_dict(state.network)
            self.optimiser.load_state_dict(state.optimiser)
            log.info("%s: going on from iteration %d", self.arm.name, state.iteration)
        return state

    def _validation_drift_mm(self) -> float:
        """Return the mean final drift over validation sweeps, network alone."""
        said = merged_steps(self.network, self.arm, scaling=self.scaling, sweeps=self.validation)
        return float(
            np.mean(
                [
                    final_drift_mm(one, sweep)
                    for one, sweep in zip(said, self.validation, strict=True)
                ]
            )
        )

    def _bar(self, first: int, progress: bool):
        """Return the progress bar; none where nobody watches."""
        from tqdm import tqdm

        return tqdm(
            initial=first, total=self.total, desc=self.arm.name, disable=None if progress else True
        )


def fresh_network(arm: Arm, seed: int) -> torch.nn.Module:
    """Build an arm's network as training begins with it.

    Parameters
    ----------
    arm : Arm
    seed : int
        The study's.

    Returns
    -------
    torch.nn.Module
        Weights drawn from the seed alone; the last layer is zero, so it predicts the mean
        training step whatever it sees.
    """
    draw = int(seeds.generator(seed, "motion", "weights").integers(2**63))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(draw)
        network = networks.make_ready(build_network(arm))
    return networks.channels_last(network)


def final_drift_mm(merged, sweep: PreparedSweep) -> float:
    """Return how far the last centre of a sweep is off.

    Parameters
    ----------
    merged : MergedSteps
    sweep : PreparedSweep
        Tracked.

    Returns
    -------
    float
    """
    predicted = poses.chain(merged.T_next_to_previous)
    compared = drift.from_first_frame(predicted, sweep.T_centre_to_world)
    return float(drift.absolute_errors(compared).distance_mm[-1])


def _check_subjects(training, validation) -> None:
    """Raise unless there are sweeps to learn from and others to validate on."""
    if not training or not validation:
        raise ValueError(
            f"training and validation must hold sweeps, got {len(training)} and {len(validation)}"
        )
    both = {sweep.subject_id for sweep in training} & {sweep.subject_id for sweep in validation}
    if both:
        raise ValueError(
            f"subjects must not be trained and validated on, got {', '.join(sorted(both))} in both"
        )


def _reference_pictures(training: Sequence[PreparedSweep]) -> dict[str, np.ndarray]:
    """Return the mean picture of each type of training sweep."""
    types = sorted({sweep.sweep_type for sweep in training})
    return {kind: cleaning.mean_picture(training, kind) for kind in types}


def _points(sweep: PreparedSweep) -> torch.Tensor:
    """Return the points (7, 7, 3) of a displacement field on a sweep's pictures."""
    if sweep.pixel_spacing_xy_mm is None:
        raise ValueError(
            f"sweep {sweep.name} has no pixel_spacing_xy_mm, which a displacement field needs"
        )
    height, width = sweep.frames.shape[1:]
    spacing_x_mm, spacing_y_mm = sweep.pixel_spacing_xy_mm
    return field_points(width * spacing_x_mm, height * spacing_y_mm)


@contextmanager
def _threads(count: int):
    """Let torch use so many threads for the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
