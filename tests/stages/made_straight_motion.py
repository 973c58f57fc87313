"""A motion model that reads nothing: the probe goes straight and evenly."""

from dataclasses import dataclass

import numpy as np

from hipus import geometry
from hipus.motion.prediction import StepPrediction
from hipus.motion.stored_models import StoredModel


@dataclass(frozen=True)
class Straight:
    """Predicts equal steps along the picture's normal."""

    step_mm: float
    name: str = "straight"

    def predict(self, prepared) -> StepPrediction:
        """Return the steps of a prepared sweep."""
        step = geometry.transform(None, [0.0, 0.0, self.step_mm])
        return StepPrediction(np.tile(step, (len(prepared) - 1, 1, 1)))


def straight(folder, *, step_mm: float) -> StoredModel:
    """Return the model as one that was read from a folder."""
    return StoredModel(folder, "network", Straight(step_mm), input_px=24)
