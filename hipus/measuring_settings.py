"""Blocks of params.yaml for measuring hips and for fusing their sweeps (see `settings`)."""

from __future__ import annotations

from dataclasses import dataclass

from hipus.settings import Sizes


@dataclass(frozen=True)
class HipMeasures(Sizes):
    """Size of the measuring of hips by all kinds of poses and masks.

    Attributes
    ----------
    calibration_sweeps : int
        Sweeps at most, of subjects that no network of segmentation learned from, on which
        intervals around measures by its masks are calibrated.
    """

    calibration_sweeps: int


@dataclass(frozen=True)
class HipAngles(Sizes):
    """Size of the study of angles and drift.

    Attributes
    ----------
    resamples : int
        Of subjects, behind every interval.
    """

    resamples: int


@dataclass(frozen=True)
class HipFusion(Sizes):
    """Size of the fusion of two sweeps of one hip.

    Attributes
    ----------
    hips : int
        At most, spread over their subjects.
    resamples : int
        Of subjects, behind every interval.
    """

    hips: int
    resamples: int
