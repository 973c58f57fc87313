"""Labelled pictures and volumes that a network learns from.

Decides what a case must be before it may train a network, and what is told of all cases
together: their fingerprint, splits and intensities. Deliberately decides no split, and writes
nothing (see `nnunet_dataset`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

SPLITS = ("train", "validation")


@dataclass(frozen=True)
class TrainingCase:
    """One labelled picture or volume.

    Attributes
    ----------
    case_id : str
        Unique, fit for a file's name, for example "S003_left_p_a_f012".
    subject_id : str
    split : str
        "train" or "validation".
    channels : numpy.ndarray (C, H, W) or (C, D, H, W)
        Intensities; read as float32.
    labels : numpy.ndarray (H, W) or (D, H, W), integer
    spacing_mm : tuple of float
        Of the last 2 or 3 axes, in array order.
    """

    case_id: str
    subject_id: str
    split: str
    channels: np.ndarray
    labels: np.ndarray
    spacing_mm: tuple[float, ...]


@dataclass(frozen=True)
class ChannelStatistics:
    """A channel's intensities over the training cases, before any normalisation.

    Attributes
    ----------
    mean, sd : float
        Over all pixels.
    labelled_mean, labelled_sd : float
        Over pixels of any structure; NaN without one.
    """

    mean: float
    sd: float
    labelled_mean: float
    labelled_sd: float


@dataclass(frozen=True)
class DatasetFacts:
    """What is known of checked cases.

    Attributes
    ----------
    digest : str
        SHA-256 over everything a training reads, in the order of the cases.
    spacing_mm : tuple of float
        Of all cases, or their median where it differs.
    median_shape : tuple of int
    counts : dict
        Split -> cases.
    subjects : dict
        Split -> sorted subject ids.
    channels : tuple of ChannelStatistics
        Over the split "train".
    """

    digest: str
    spacing_mm: tuple[float, ...]
    median_shape: tuple[int, ...]
    counts: dict[str, int]
    subjects: dict[str, tuple[str, ...]]
    channels: tuple[ChannelStatistics, ...]


def examine(
    cases: Iterable[TrainingCase],
    *,
    channel_count: int,
    label_names: Mapping[str, int],
    splits_by: str = "subject",
    is_resampled: bool = False,
) -> DatasetFacts:
    """Check cases one by one and together, and fingerprint them.

    Parameters
    ----------
    cases : iterable of TrainingCase
        Read once, one at a time.
    channel_count : int
        Channels of the network.
    label_names : mapping of str to int
        The scheme without background.
    splits_by : str
        "subject": no subject in two splits. "frame" is the one named exception.
    is_resampled : bool
        The network has a spacing of its own, which every case is resampled to: only then may
        spacings differ.

    Returns
    -------
    DatasetFacts

    Raises
    ------
    ValueError
        If a case is not as the network needs it (shape, spacing, labels outside the scheme,
        values that are not finite), an id occurs twice, a subject is in two splits, spacings
        differ, or a split is empty.
    """
    if splits_by not in ("subject", "frame"):
        raise ValueError(f"splits_by must be 'subject' or 'frame', got {splits_by!r}")
    tally = _Tally(channel_count, is_resampled=is_resampled)
    for case in cases:
        _check_case(case, channel_count, set(label_names.values()))
        tally.add(case)
    return tally.facts(splits_by)


def with_neighbours(frames: np.ndarray, index: int, *, reach: int) -> np.ndarray:
    """Return a frame between those before and after it, as channels of a 2.5D network.

    Parameters
    ----------
    frames : numpy.ndarray (N, H, W)
        Consecutive frames of one sweep.
    index : int
        The frame in the middle.
    reach : int
        Frames on either side: 2 for model 2.3, 0 for a frame alone.

    Returns
    -------
    numpy.ndarray (2 reach + 1, H, W)
        In the order of the sweep; beyond an end, the end frame repeated.

    Raises
    ------
    IndexError
        If there is no such frame.
    """
    if not 0 <= index < len(frames):
        raise IndexError(f"index must be 0 to {len(frames) - 1}, got {index}")
    places = np.arange(index - reach, index + reach + 1).clip(0, len(frames) - 1)
    return frames[places]


def facts_as_json(facts: DatasetFacts) -> dict:
    """Return facts as JSON can hold them, NaN being null."""
    plain = asdict(facts)
    for channel in plain["channels"]:
        channel.update({name: None if np.isnan(v) else v for name, v in channel.items()})
    return plain


class _Tally:
    """What is known of the cases so far."""

    def __init__(self, channel_count: int, *, is_resampled: bool) -> None:
        """Begin with none."""
        self.is_resampled = is_resampled
        self.digest = hashlib.sha256()
        self.ids: set[str] = set()
        self.spacings: list[tuple[float, ...]] = []
        self.shapes: list[tuple[int, ...]] = []
        self.splits: dict[str, list[str]] = {split: [] for split in SPLITS}
        self.sums = np.zeros((2, channel_count, 3))

    def add(self, case: TrainingCase) -> None:
        """Take up one case."""
        if case.case_id in self.ids:
            raise ValueError(f"case_id must be unique, got {case.case_id!r} twice")
        spacing = tuple(float(side) for side in case.spacing_mm)
        first = self.spacings[0] if self.spacings else spacing
        if not self.is_resampled and not np.allclose(spacing, first, rtol=1e-6):
            raise ValueError(
                f"case {case.case_id!r}: spacing_mm must be that of the other cases, "
                f"{first}, got {spacing}"
            )
        self.spacings.append(spacing)
        self.ids.add(case.case_id)
        self.shapes.append(case.labels.shape)
        self.splits[case.split].append(case.subject_id)
        self.digest.update(repr((case.case_id, case.subject_id, case.split, spacing)).encode())
        for array in (case.channels, case.labels):
            self.digest.update(f"{array.shape} {array.dtype}".encode())
            self.digest.update(np.ascontiguousarray(array).data)
        if case.split == "train":
            self._add_intensities(case)

    def _add_intensities(self, case: TrainingCase) -> None:
        """Add count, sum and sum of squares of all and of labelled pixels."""
        for channel, values in enumerate(case.channels):
            for kind, chosen in enumerate((values, values[case.labels > 0])):
                chosen = chosen.astype(np.float64)
                self.sums[kind, channel] += chosen.size, chosen.sum(), np.square(chosen).sum()

    def facts(self, splits_by: str) -> DatasetFacts:
        """Return all facts after checking the splits."""
        empty = [split for split in SPLITS if not self.splits[split]]
        if empty:
            raise ValueError(f"each split must have a case, got none for {', '.join(empty)}")
        subjects = {split: tuple(sorted(set(names))) for split, names in self.splits.items()}
        both = sorted(set(subjects["train"]) & set(subjects["validation"]))
        if both and splits_by == "subject":
            raise ValueError(f"a subject must be in one split, got {', '.join(both)} in both")
        return DatasetFacts(
            digest=self.digest.hexdigest(),
            spacing_mm=tuple(float(side) for side in np.median(self.spacings, axis=0)),
            median_shape=tuple(int(side) for side in np.median(self.shapes, axis=0)),
            counts={split: len(names) for split, names in self.splits.items()},
            subjects=subjects,
            channels=tuple(_statistics(*pair) for pair in zip(*self.sums, strict=True)),
        )


def _statistics(all_sums: np.ndarray, labelled_sums: np.ndarray) -> ChannelStatistics:
    """Return a channel's means and standard deviations from its sums."""
    numbers = []
    for count, total, squares in (all_sums, labelled_sums):
        mean = total / count if count else float("nan")
        numbers += [mean, np.sqrt(max(squares / count - mean**2, 0.0)) if count else mean]
    return ChannelStatistics(*(float(number) for number in numbers))


def _check_case(case: TrainingCase, channel_count: int, values: set[int]) -> None:
    """Raise unless a case is as the network needs it."""
    name = f"case {case.case_id!r}"
    if case.split not in SPLITS:
        raise ValueError(f"{name}: split must be one of {SPLITS}, got {case.split!r}")
    if case.channels.shape[0] != channel_count or case.channels.ndim not in (3, 4):
        raise ValueError(
            f"{name}: channels must be ({channel_count}, H, W) or ({channel_count}, D, H, W), "
            f"got {case.channels.shape}"
        )
    if case.labels.shape != case.channels.shape[1:]:
        raise ValueError(
            f"{name}: labels must have the shape of a channel, {case.channels.shape[1:]}, "
            f"got {case.labels.shape}"
        )
    if len(case.spacing_mm) != case.labels.ndim or not all(side > 0 for side in case.spacing_mm):
        raise ValueError(
            f"{name}: spacing_mm must be {case.labels.ndim} positive numbers, "
            f"got {tuple(case.spacing_mm)}"
        )
    if case.labels.dtype.kind not in "iu":
        raise ValueError(f"{name}: labels must be integers, got {case.labels.dtype}")
    foreign = set(np.unique(case.labels).tolist()) - values - {0}
    if foreign:
        raise ValueError(
            f"{name}: labels must be 0 or one of {sorted(values)}, got {sorted(foreign)}"
        )
    if not np.isfinite(case.channels).all():
        raise ValueError(f"{name}: channels must be finite, got NaN or infinity")
