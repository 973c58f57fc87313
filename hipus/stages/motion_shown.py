"""Three test sweeps of growing complexity, as figures show them. No stage of its own.

Decides what a complex trajectory is and which three sweeps are shown: the plainest, the median
and the most complex, chosen by what the tracker says and never by how well they are predicted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hipus.motion import drift
from hipus.motion.sweep_rows import frame_table
from hipus.stages.motion_measured import Case

FRAME_KEY = ["order", "frame_index"]


def complexity_mm(T_centre_to_world: np.ndarray) -> float:
    """Return how far a probe's way is from a straight line at an even pace.

    Parameters
    ----------
    T_centre_to_world : numpy.ndarray (N, 4, 4)
        mm; NaN where untracked.

    Returns
    -------
    float
        Root mean square distance of the centres from the best such line, mm.
    """
    place = np.flatnonzero(np.isfinite(T_centre_to_world[:, 0, 0]))
    centres = T_centre_to_world[place, :3, 3]
    line = np.column_stack([np.ones(len(place)), place])
    off = centres - line @ np.linalg.lstsq(line, centres, rcond=None)[0]
    return float(np.sqrt((off**2).sum(axis=1).mean()))


def three_of_growing_complexity(cases: Sequence[Case]) -> list[Case]:
    """Return the plainest, the median and the most complex sweep.

    Parameters
    ----------
    cases : sequence of Case
        At least one; fewer than three are all shown.

    Returns
    -------
    list of Case
    """
    ordered = sorted(cases, key=lambda case: (complexity_mm(case.truths["vs_tracker"]), str(case)))
    places = dict.fromkeys((0, (len(ordered) - 1) // 2, len(ordered) - 1))
    return [ordered[place] for place in places]


def shown_frames(cases: Sequence[Case], arm: str) -> pd.DataFrame:
    """Return one arm's errors frame by frame, against the tracker.

    Parameters
    ----------
    cases : sequence of Case
        In the order in which they are shown.
    arm : str

    Returns
    -------
    pandas.DataFrame
        order (from 1), name, arm, subject_id, sweep_id, complexity_mm and the columns of
        `sweep_rows.frame_table`. Elevational: along the travel.
    """
    parts = []
    for order, case in enumerate(cases, start=1):
        T_true = case.truths["vs_tracker"]
        part = frame_table(case.T_predicted[arm], T_true)
        known = {"order": order, "name": name_of(case), "arm": arm, "subject_id": case.subject_id}
        known |= {"sweep_id": case.sweep_id, "complexity_mm": complexity_mm(T_true)}
        for place, (column, value) in enumerate(known.items()):
            part.insert(place, column, value)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def shown_trajectories(cases: Sequence[Case], arm: str) -> dict[str, np.ndarray]:
    """Return one arm's trajectories beside the tracked ones.

    Parameters
    ----------
    cases : sequence of Case
    arm : str

    Returns
    -------
    dict of str to numpy.ndarray
        As `figures.motion.draw_trajectories` wants them; left hips are mirrored, so that all
        probes travel one way.
    """
    arrays: dict[str, np.ndarray] = {"arm": np.array(arm)}
    for n, case in enumerate(cases):
        both = drift.from_first_frame(case.T_predicted[arm], case.truths["vs_tracker"])
        for who, T in (("predicted", both.T_predicted), ("tracked", both.T_true)):
            arrays[f"T_{who}_{n}"] = np.full((len(case.T_predicted[arm]), 4, 4), np.nan)
            arrays[f"T_{who}_{n}"][both.frame_index] = T
        arrays[f"name_{n}"] = np.array(name_of(case))
        arrays[f"final_mm_{n}"] = np.array(drift.absolute_errors(both).distance_mm[-1])
        spacing = np.diag(case.T_pixel_to_centre)[:2]
        arrays[f"picture_mm_{n}"] = spacing * np.array(case.shape_hw[::-1])
    return arrays


def name_of(case: Case) -> str:
    """Return a sweep's name as a figure shows it."""
    return f"{case.subject_id} {case.sweep_id}"
