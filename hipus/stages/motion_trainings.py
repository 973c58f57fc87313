"""Trainings that are run once, and what each of them cost. No stage of its own.

Decides where the checkpoints of compared arms lie and how a training's processor time is kept
over kills. Deliberately decides no arm and no budget (see `motion_arms`).
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hipus.files import write_text
from hipus.motion import training_state
from hipus.motion.arms import Arm
from hipus.motion.preparation import PreparedSweep
from hipus.motion.trained_model import TrainedModel, TrainingSettings
from hipus.motion.training import fresh_network, train

log = logging.getLogger(__name__)

_COST = "cost.json"


@dataclass(frozen=True)
class Trainings:
    """Trainings with one budget, below one folder.

    Attributes
    ----------
    folder : Path
        Scratch.
    settings : TrainingSettings
        With a number of iterations.
    """

    folder: Path
    settings: TrainingSettings

    def model(
        self, arm: Arm, training: Sequence[PreparedSweep], validation: Sequence[PreparedSweep]
    ) -> tuple[TrainedModel, float]:
        """Train an arm, go on with its training, or take what was finished.

        Parameters
        ----------
        arm : Arm
        training, validation : sequence of PreparedSweep

        Returns
        -------
        TrainedModel
        float
            Processor seconds of the training and its validations, over all threads; NaN where
            they are not known. Where a training was resumed, those of its last part, scaled to
            all iterations.
        """
        folder = self.folder / training_state.key(
            arm,
            self.settings,
            network=fresh_network(arm, self.settings.seed),
            training=training,
            validation=validation,
        )
        state = training_state.read(folder)
        first = 0 if state is None else state.iteration
        log.info("%s: training from iteration %d", arm.name, first)
        started = time.process_time()
        model = train(arm, training, validation, settings=self.settings, folder=self.folder)
        spent_s = time.process_time() - started
        return model, self._cost(folder, spent_s, first=first)

    def _cost(self, folder: Path, spent_s: float, *, first: int) -> float:
        """Return the seconds of a whole training, kept beside its checkpoint."""
        total = self.settings.iterations
        path = folder / _COST
        if first < total:
            whole_s = spent_s * total / (total - first)
            write_text(path, json.dumps({"training_cpu_s": round(whole_s, 1)}) + "\n")
        if not path.is_file():
            return float("nan")
        return float(json.loads(path.read_text(encoding="utf-8"))["training_cpu_s"])
