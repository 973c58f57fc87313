"""Predicted sweeps beside what is true of them, as rows of errors. No stage of its own.

Decides that a prediction is judged in the (mirrored) frame of its prepared sweep, by what the
tracker says and, where the cohort is simulated, by where the pictures truly lay in the hip.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hipus import config
from hipus.motion import poses
from hipus.motion.prediction import Predictor
from hipus.motion.preparation import PreparedSweep
from hipus.motion.sweep_rows import SweepKey, sweep_row
from hipus.stages import motion_data

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class JudgedSweep:
    """A sweep to be predicted, with its truths.

    Attributes
    ----------
    sweep : PreparedSweep
    truths : mapping of str to numpy.ndarray (N, 4, 4)
        T_centre_to_world in the sweep's (mirrored) frame, by `sweep_rows.TRUTHS`.
    """

    sweep: PreparedSweep
    truths: Mapping[str, np.ndarray]


def judged_sweeps(study: config.Study, sweeps: Sequence[PreparedSweep]) -> list[JudgedSweep]:
    """Return sweeps with all that is known of where their pictures lay.

    Parameters
    ----------
    study : Study
    sweeps : sequence of PreparedSweep
        Of the profile's cohort, tracked.

    Returns
    -------
    list of JudgedSweep
        A hospital's sweeps have the tracker's truth alone.
    """
    found = []
    for sweep in sweeps:
        truths = {"vs_tracker": sweep.T_centre_to_world}
        try:
            truths["vs_hip"] = motion_data.hip_truth(study, sweep)
        except FileNotFoundError:
            log.info("%s has no truth but the tracker's", sweep.name)
        found.append(JudgedSweep(sweep, truths))
    return found


def error_rows(
    predictor: Predictor,
    sweeps: Sequence[JudgedSweep],
    *,
    arm: str,
    variant: str = motion_data.PROTOCOL,
    frame_spacing: float = 1.0,
) -> pd.DataFrame:
    """Predict sweeps and measure them against every truth they have.

    Parameters
    ----------
    predictor : Predictor
    sweeps : sequence of JudgedSweep
    arm : str
        As tables call it.
    variant : str
        Of the sweeps.
    frame_spacing : float
        Relative to the recorded one.

    Returns
    -------
    pandas.DataFrame
        Rows of `sweep_rows.sweep_row`.

    Raises
    ------
    ValueError
        If a sweep cannot be predicted or compared.
    """
    rows = []
    for one in sweeps:
        sweep = one.sweep
        T_predicted = poses.chain(predictor.predict(sweep).T_next_to_previous)
        known = (arm, sweep.subject_id, sweep.sweep_id, sweep.sweep_type, sweep.side)
        for truth, T_true in one.truths.items():
            key = SweepKey(*known, truth=truth, variant=variant, frame_spacing=frame_spacing)
            rows.append(sweep_row(T_predicted, T_true, key=key))
    return pd.DataFrame(rows)
