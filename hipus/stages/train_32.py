"""Stage `train_32`: train model 3.2 on the volumes of the second 3D round."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hipus import config
from hipus.stages import runner, segmentation_training

STAGE = "train_32"
MODEL_ID = "3.2"


def main(study: config.Study) -> Iterable[Path]:
    """Train; return the inputs."""
    return segmentation_training.train_on_volumes(
        study, MODEL_ID, labels="volumes_refined", table="volume_labels_refined"
    )


if __name__ == "__main__":
    runner.run(STAGE, main)
