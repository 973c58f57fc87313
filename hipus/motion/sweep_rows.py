"""One predicted sweep as a table: its row of measures, and its errors frame by frame.

Decides the columns. Deliberately decides no arms, no cohorts and no files, and summarises
nothing (see `evaluation`); all measures are those of `drift` and `drift_rates`.

A row is one sweep predicted by one arm, against one truth: `vs_tracker` (what a tracker says of
the probe; the paper's) or `vs_hip` (fixed to the pelvis; simulated truth only, because an
infant that moves takes the tracking reference along).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
import pandas as pd

from hipus.motion.drift import (
    AXES,
    PoseErrors,
    absolute_errors,
    from_first_frame,
    relative_errors,
)
from hipus.motion.drift_rates import DriftRates, GeodesicRates, drift_rates, geodesic_rates

TRUTHS = ("vs_tracker", "vs_hip")


def _error_columns(kind: str) -> tuple[str, ...]:
    """Return the columns of one kind of error: total and per axis, in mm and deg."""
    names = [f"{kind}{axis}" for axis in ("", *(f"_{axis}" for axis in AXES))]
    return tuple(f"{name}_{unit}" for unit in ("mm", "deg") for name in names)


#: Mean signed error of a step, predicted minus true: what makes drift grow with the path.
BIASES = tuple(f"bias_{axis}_mm" for axis in AXES)
#: All measures of a row, in the order of the columns.
MEASURES = (
    *(name for kind in ("relative", "absolute", "final") for name in _error_columns(kind)),
    *BIASES,
    *(field.name for kind in (DriftRates, GeodesicRates) for field in fields(kind)),
)


@dataclass(frozen=True)
class SweepKey:
    """What a row is of.

    Attributes
    ----------
    arm : str
        Name of the predictor.
    subject_id, sweep_id, sweep_type, side : str
    truth : str
        `vs_tracker` or `vs_hip`.
    variant : str
        Which acquisition of the cohort, for example `protocol` or `repeat`.
    frame_spacing : float
        Distance of frames relative to the recorded one's: 1, 1/2, 1/4.
    """

    arm: str
    subject_id: str
    sweep_id: str
    sweep_type: str
    side: str
    truth: str
    variant: str = "protocol"
    frame_spacing: float = 1.0

    def __post_init__(self) -> None:
        """Check the truth's name."""
        if self.truth not in TRUTHS:
            raise ValueError(f"truth must be one of {TRUTHS}, got {self.truth!r}")


def sweep_row(T_predicted, T_true, *, key: SweepKey) -> dict[str, str | float | int]:
    """Measure one prediction of one sweep: one row of `motion_errors`.

    Parameters
    ----------
    T_predicted, T_true : array-like (N, 4, 4)
        T_centre_to_world, mm, each in a world of its own; NaN in the truth where unknown.
    key : SweepKey

    Returns
    -------
    dict
        The key's fields, `frame_count` (frames compared, the first included), and `MEASURES`:
        `relative_*` and `absolute_*` are means over steps and frames of lengths (`_mm`,
        `_deg`) and of absolute components (`_lateral_mm`, `_lateral_deg` = about the lateral
        axis, ...), `final_*` those of the last frame, `bias_*` means of signed components of
        the steps' errors (elevational: along the mirrored travel if the poses are mirrored).

    Raises
    ------
    ValueError
        If frames with a known truth are not predicted (a prediction that stops early would
        hide its drift), or the poses cannot be compared.
    """
    try:
        _check_predicted(T_predicted, T_true)
        trajectories = from_first_frame(T_predicted, T_true)
    except ValueError as error:
        raise ValueError(f"{key.arm}, {key.subject_id} {key.sweep_id}: {error}") from error
    relative, absolute = relative_errors(trajectories), absolute_errors(trajectories)
    last = PoseErrors(*(getattr(absolute, field.name)[-1:] for field in fields(PoseErrors)))
    return {
        **asdict(key),
        "frame_count": len(trajectories.frame_index),
        **_mean_errors("relative", relative),
        **_mean_errors("absolute", absolute),
        **_mean_errors("final", last),
        **_plain(BIASES, relative.translation_mm.mean(axis=0)),
        **asdict(drift_rates(trajectories)),
        **asdict(geodesic_rates(trajectories)),
    }


def _check_predicted(T_predicted, T_true) -> None:
    """Raise if a frame has a truth and no prediction."""
    if np.shape(T_predicted) != np.shape(T_true) or np.ndim(T_true) != 3:
        return  # said better by from_first_frame
    is_predicted, is_known = (
        ~np.isnan(np.asarray(T, np.float64)).any(axis=(1, 2)) for T in (T_predicted, T_true)
    )
    missing = np.flatnonzero(is_known & ~is_predicted)
    if len(missing):
        raise ValueError(
            f"{len(missing)} of {len(is_known)} frames have a truth and no predicted pose, "
            f"first frame {missing[0]}"
        )


def _mean_errors(kind: str, errors: PoseErrors) -> dict[str, float]:
    """Return the columns of one kind of error."""
    return _plain(
        _error_columns(kind),
        np.concatenate(
            [
                [errors.distance_mm.mean()],
                np.abs(errors.translation_mm).mean(axis=0),
                [errors.angle_deg.mean()],
                np.abs(errors.rotation_deg).mean(axis=0),
            ]
        ),
    )


def _plain(names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    """Return named plain numbers."""
    return dict(zip(names, values.tolist(), strict=True))


def frame_table(T_predicted, T_true) -> pd.DataFrame:
    """Return the errors of one prediction frame by frame, for curves along a sweep.

    Parameters
    ----------
    T_predicted, T_true : array-like (N, 4, 4)
        As for `sweep_row`.

    Returns
    -------
    pandas.DataFrame
        One row per compared frame after the first: `frame_index`, `absolute_*` and
        `relative_*` (of the step that ends in the frame; NaN where it has no valid
        neighbour before it). `_mm` and `_deg` are lengths, the components carry signs.

    Raises
    ------
    ValueError
        As for `sweep_row`.
    """
    _check_predicted(T_predicted, T_true)
    trajectories = from_first_frame(T_predicted, T_true)
    absolute = _signed_errors("absolute", absolute_errors(trajectories))
    relative = _signed_errors("relative", relative_errors(trajectories))
    return absolute.merge(relative, on="frame_index", how="left")


def _signed_errors(kind: str, errors: PoseErrors) -> pd.DataFrame:
    """Return one kind of error with signed components, a row per frame."""
    values = [errors.distance_mm, *errors.translation_mm.T]
    values += [errors.angle_deg, *errors.rotation_deg.T]
    columns = dict(zip(_error_columns(kind), values, strict=True))
    return pd.DataFrame({"frame_index": errors.frame_index, **columns})
