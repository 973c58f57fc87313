"""Made-up pictures, numbers and models, small enough to train in a second."""

import dataclasses

import numpy as np
import pytest

from hipus.segmentation.plans import ModelNumbers, study_plans
from hipus.segmentation.training_cases import TrainingCase

LABELS = {"ilium": 1, "femoral_head": 2, "chondro_osseous_border": 3, "femoral_cortex": 4}


@pytest.fixture
def small_numbers():
    """Return a function giving numbers of a network that learns in seconds, with changes."""

    def numbers(model_id: str = "2.1", **changes) -> ModelNumbers:
        is_3d = model_id.startswith("3")
        stock = ModelNumbers(
            patch_size=(16, 24, 16) if is_3d else (32, 48),
            batch_size=2,
            features_per_stage=(4, 6, 8),
            epochs=5,
            iterations_per_epoch=3,
            validation_iterations=1,
            optimiser="adamw",
            learning_rate=5e-3,
            weight_decay=1e-4,
            momentum=0.9,
            mirror_axes=(),
            rotation_deg=15.0,
            threads=1,
        )
        return dataclasses.replace(stock, **changes)

    return numbers


@pytest.fixture
def make_plans(small_numbers):
    """Return a function giving small plans of a model, anisotropic, with changed numbers."""

    def plans(model_id: str = "2.1", *, seed: int = 0, **changes) -> dict:
        spacing = (0.5, 0.3, 0.4) if model_id.startswith("3") else (0.3, 0.4)
        shape = (20, 30, 26) if model_id.startswith("3") else (40, 56)
        numbers = small_numbers(model_id, **changes)
        return study_plans(model_id, numbers, spacing_mm=spacing, median_shape=shape, seed=seed)

    return plans


@pytest.fixture
def make_cases():
    """Return a function giving pictures of four bright discs, two of eight to validate on."""

    def cases(count: int = 8, *, channels: int = 1, shape=(40, 56), spacing_mm=(0.3, 0.4)):
        rng = np.random.default_rng(7)
        for number in range(count):
            labels = np.zeros(shape, np.uint8)
            for value in LABELS.values():
                centre = [rng.integers(6, side - 6) for side in shape]
                squares = [(g - c) ** 2 for g, c in zip(np.indices(shape), centre, strict=True)]
                labels[np.sum(squares, axis=0) < 30] = value
            grey = (50 * labels + rng.normal(60, 10, shape)).clip(1, 255).astype(np.uint8)
            subject = f"S{number:03d}"
            yield TrainingCase(
                case_id=f"{subject}_left_p_a_f000",
                subject_id=subject,
                split="validation" if number >= count - 2 else "train",
                channels=np.stack([grey] * channels),
                labels=labels,
                spacing_mm=spacing_mm,
            )

    return cases
