"""TUS-REC scores of anybody's predictions, on the landmarks that the study's own arms have.

Decides nothing of its own: the errors are those of stage `motion`, frame for frame.
Deliberately reads no prediction (see `pose_scores`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hipus.seeds import generator
from hipus.stages.motion_measured import Case, bright_landmarks, pixel_to_centre, tusrec_rows

if TYPE_CHECKING:
    from hipus.motion.preparation import PreparedSweep


def tusrec_scores(
    prepared: PreparedSweep,
    T_true: np.ndarray,
    *,
    T_predicted: Mapping[str, np.ndarray],
    seed: int,
) -> list[dict]:
    """Score predictions of one sweep against the tracker.

    Parameters
    ----------
    prepared : PreparedSweep
        Its frames turned back where the probe was held turned.
    T_true : numpy.ndarray (N, 4, 4)
        `T_centre_to_world` of the tracker.
    T_predicted : mapping of str to numpy.ndarray (N, 4, 4)
        By arm.
    seed : int
        The study's: it draws the same landmarks as for the study's arms.

    Returns
    -------
    list of dict
        Rows of `motion_tusrec`.
    """
    rng = generator(seed, "motion", "landmarks", prepared.subject_id, prepared.sweep_id)
    case = Case(
        subject_id=prepared.subject_id,
        sweep_id=prepared.sweep_id,
        sweep_type=prepared.sweep_type,
        side=prepared.side,
        variant="",
        truths={"vs_tracker": T_true},
        T_predicted=T_predicted,
        shape_hw=prepared.frames.shape[1:],
        T_pixel_to_centre=pixel_to_centre(prepared),
        landmarks=bright_landmarks(prepared, rng),
    )
    return tusrec_rows(case)
