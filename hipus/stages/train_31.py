"""Stage `train_31`: train model 3.1 on the volumes of the first 3D round."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hipus import config
from hipus.stages import runner, segmentation_training

STAGE = "train_31"
MODEL_ID = "3.1"


def main(study: config.Study) -> Iterable[Path]:
    """Train; return the inputs."""
    return segmentation_training.train_on_volumes(
        study, MODEL_ID, labels="volumes_first", table="volume_labels_first"
    )


if __name__ == "__main__":
    runner.run(STAGE, main)
