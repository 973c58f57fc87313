"""Whether a recorded sweep is good enough to be used: named rules on what a device delivers.

Decides the measures, the rules and their limits. Everything is judged from the sweep itself
(frames, times, reported poses), so that a hospital's sweeps and simulated ones are judged
alike. Deliberately repairs nothing (see `sweep_cleaning`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np

from hipus.sweep import Sweep
from hipus.sweep_cleaning import travel_pace

#: Part of the depth in which a column is looked at: under the skin, above most bone.
NEAR_FIELD = (0.10, 0.30)
#: A column shows no tissue where its near field is darker than this share of the sweep's usual
#: near field (simulated: 0.25 to 0.3 without contact, 0.5 and more with it).
DARK_SHARE_OF_USUAL = 0.4


@dataclass(frozen=True)
class QualityLimits:
    """Limits of the rules. All assumed; set so that about 11 of 200 simulated sweeps fail, as
    the published numbers imply (47 + 3 infants with 4 sweeps each, 177 + 12 used).

    Attributes
    ----------
    least_frames : int
        `too_few_frames`.
    least_path_mm : dict of float
        `too_short_path`, by sweep type: 70 % of the protocol's mean. Types not listed have
        no such rule.
    greatest_lost_share : float
        `too_many_lost_poses`: share of frames without a valid pose.
    greatest_dark_share : float
        `contact_lost`: share of columns that show no tissue, over all frames.
    """

    least_frames: int = 40
    least_path_mm: tuple[tuple[str, float], ...] = (("p_a", 21.0), ("p_d", 35.0))
    greatest_lost_share: float = 0.10
    greatest_dark_share: float = 0.02


@dataclass(frozen=True)
class SweepQuality:
    """What the rules look at.

    Attributes
    ----------
    frame_count : int
    path_mm : float
        Travel of the picture's centre, smoothed so that tremor does not count; NaN untracked.
    lost_share : float
        Share of frames without a valid pose; NaN for a sweep that was not tracked at all.
    dark_share : float
        Share of columns within the footprint that show no tissue under the skin.
    """

    frame_count: int
    path_mm: float
    lost_share: float
    dark_share: float

    def broken_rules(self, sweep_type: str, limits: QualityLimits | None = None) -> tuple[str, ...]:
        """Return the names of the rules that this sweep breaks; none: it may be used.

        Parameters
        ----------
        sweep_type : str
        limits : QualityLimits, optional

        Returns
        -------
        tuple of str

        Notes
        -----
        What is not known (NaN) breaks no rule: untracked sweeps have no path.
        """
        limits = limits or QualityLimits()
        least_path = dict(limits.least_path_mm).get(sweep_type, 0.0)
        broken = {
            "too_few_frames": self.frame_count < limits.least_frames,
            "too_short_path": self.path_mm < least_path,
            "too_many_lost_poses": self.lost_share > limits.greatest_lost_share,
            "contact_lost": self.dark_share > limits.greatest_dark_share,
        }
        return tuple(name for name, is_broken in broken.items() if is_broken)


def measure_quality(sweep: Sweep, *, is_tracked: bool = True) -> SweepQuality:
    """Measure what the quality rules look at.

    Parameters
    ----------
    sweep : Sweep
    is_tracked : bool
        False for a sweep that was recorded without a tracker.

    Returns
    -------
    SweepQuality
    """
    path_mm = lost_share = nan
    if is_tracked:
        lost_share = 1.0 - float(np.mean(sweep.is_valid))
        path_mm = 0.0
        if np.count_nonzero(sweep.is_valid) >= 2:
            path_mm = float(travel_pace(sweep) @ np.diff(sweep.time_s))
    return SweepQuality(len(sweep), path_mm, lost_share, dark_share(sweep))


def dark_share(sweep: Sweep) -> float:
    """Return the share of columns that show no tissue in the near field.

    Parameters
    ----------
    sweep : Sweep

    Returns
    -------
    float
        Over all frames; columns that are black throughout the sweep are margins and do not
        count. 1.0 for a sweep that is black.
    """
    rows = [round(part * sweep.frames.shape[1]) for part in NEAR_FIELD]
    means = [
        block[:, rows[0] : max(rows[1], rows[0] + 1)].mean(axis=1) for _, block in sweep.blocks()
    ]
    grey = np.concatenate(means)
    grey = grey[:, grey.max(axis=0) > 0]
    if not grey.size:
        return 1.0
    return float((grey < DARK_SHARE_OF_USUAL * np.median(grey)).mean())
