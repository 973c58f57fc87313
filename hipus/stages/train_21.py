"""Stage `train_21`: train model 2.1 on the labelled frames."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hipus import config
from hipus.stages import runner, segmentation_training

STAGE = "train_21"
MODEL_ID = "2.1"


def main(study: config.Study) -> Iterable[Path]:
    """Train; return the inputs."""
    return segmentation_training.train_on_frames(study, MODEL_ID)


if __name__ == "__main__":
    runner.run(STAGE, main)
