"""Which sweeps are made of a subject, by whom, and in what they differ.

Decides names, operators and variants: the protocol's sweeps, repetitions by two operators,
the same sweep without and with much infant motion, and a grid of path, duration and motion.
Deliberately draws no motion; `drawn_as` says which sweeps share their random streams, and so
differ in nothing but what the table says.
"""

from __future__ import annotations

from itertools import product
from math import nan

import numpy as np

from hipus.phantom.acquisition.protocol import SIDES
from hipus.phantom.cohort.settings import CohortSettings

#: Who sweeps at which centre (assumed: the published operators are not counted).
OPERATORS = {1: ("O11", "O12", "O13"), 2: ("O21", "O22")}
VOLUMETRIC = ("p_a", "p_d")
#: Variants in which the infant is restless: most sweeps of a usual one are free of bursts, so
#: that scaling its motion would scale nothing.
RESTLESS = ("restless", "grid")
REPEATS = 2


def planned_sweeps(rng: np.random.Generator, subject: dict, settings: CohortSettings) -> list[dict]:
    """Return the rows of one subject's sweeps.

    Parameters
    ----------
    rng : numpy.random.Generator
        Chooses the operator.
    subject : dict
        With subject_id, cohort, centre and has_graf.
    settings : CohortSettings

    Returns
    -------
    list of dict
        subject_id, sweep_id, session_id, order, side, sweep_type, operator_id, variant,
        drawn_as, path_length_mm and duration_s (NaN: drawn), infant_motion (a factor).
    """
    operators = rng.permutation(OPERATORS[subject["centre"]])
    if subject["cohort"] == "repeats":
        rows = _repeats(operators)
    elif subject["cohort"] == "grid":
        rows = _grid(operators[0], settings)
    else:
        rows = _protocol(operators[0], subject["has_graf"])
    named = {"subject_id": subject["subject_id"]}
    return [named | row | {"order": order} for order, row in enumerate(rows, start=1)]


def _row(side: str, sweep_type: str, operator_id: str, **changes) -> dict:
    """Return a sweep of the protocol with some changes."""
    sweep_id = f"{side}_{sweep_type}"
    usual = {
        "sweep_id": sweep_id,
        "session_id": 1,
        "order": 0,
        "side": side,
        "sweep_type": sweep_type,
        "operator_id": str(operator_id),
        "variant": "protocol",
        "drawn_as": changes.get("sweep_id", sweep_id),
        "path_length_mm": nan,
        "duration_s": nan,
        "infant_motion": 1.0,
    }
    return usual | changes


def _protocol(operator_id: str, has_graf: bool) -> list[dict]:
    """Return the protocol's sweeps of both sides."""
    types = ("graf", *VOLUMETRIC) if has_graf else VOLUMETRIC
    return [_row(side, sweep_type, operator_id) for side in SIDES for sweep_type in types]


def _repeats(operators) -> list[dict]:
    """Return left sweeps, each twice by two operators; the first also still and restless."""
    rows = []
    for session, operator_id in enumerate(operators[:2], start=1):
        for repeat, sweep_type in product(range(1, REPEATS + 1), VOLUMETRIC):
            name = f"left_{sweep_type}_{operator_id}_{repeat}"
            row = _row(
                "left", sweep_type, operator_id, sweep_id=name, session_id=session, variant="repeat"
            )
            rows.append(row)
            if repeat == session == 1:
                still = {"sweep_id": f"{name}_still", "variant": "still", "infant_motion": 0.0}
                restless = {"sweep_id": f"{name}_restless", "variant": "restless"}
                rows += [row | still, row | restless]
    return rows


def _grid(operator_id: str, settings: CohortSettings) -> list[dict]:
    """Return one left sweep in every combination of path, duration and infant motion."""
    axes = settings.grid_path_mm, settings.grid_duration_s, settings.grid_motion
    return [
        _row(
            "left",
            "p_a",
            operator_id,
            sweep_id=f"left_p_a_{path:g}mm_{duration:g}s_{motion:g}x".replace(".", "p"),
            variant="grid",
            drawn_as="left_p_a",
            path_length_mm=float(path),
            duration_s=float(duration),
            infant_motion=float(motion),
        )
        for path, duration, motion in product(*axes)
    ]
