"""Which frames and volumes are trained on, validated on and judged on.

Decides the frames' split, by subject and, as a study arm alone, by frame with the printed
counts; and which volumes each of the two 3D rounds takes. The cohort's one subject-level
assignment decides everything else: no subject changes sides here. Opens no file, draws no label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

SPLITS = ("train", "validation", "test")
#: In the arm by frame: a frame that is left out so that the counts are the printed ones.
UNUSED = "unused"
#: Every third frame was annotated (MIDL 2026 paper, section 5.2.1, M032).
FRAME_STEP = 3
#: Frames of the printed 2D split (section 5.2.2, M042 to M044).
PRINTED_FRAMES: Mapping[str, int] = MappingProxyType({"train": 432, "validation": 108, "test": 71})
#: Subjects of the first 3D round. Four sweeps each, five and one give the printed 24 corrected
#: volumes (section 5.4, M052); the last one's four judge model 3.1 (section 6.4, M073).
FIRST_SUBJECTS: Mapping[str, int] = MappingProxyType({"train": 5, "validation": 1, "test": 1})
#: Volumes of the second round at most (section 5.4, M055 to M057).
PRINTED_VOLUMES: Mapping[str, int] = MappingProxyType({"train": 32, "validation": 8, "test": 8})
_FRAME_KEY = ["subject_id", "sweep_id", "frame_index"]
_VOLUME_KEY = ["subject_id", "sweep_id"]


def labelled_frames(count: int, *, step: int = FRAME_STEP) -> np.ndarray:
    """Return which frames of a sweep are annotated.

    Parameters
    ----------
    count : int
        Frames between the hesitations at both ends.
    step : int

    Returns
    -------
    numpy.ndarray (ceil(count / step),) int64
        Counted from the first of them, which is annotated.

    Raises
    ------
    ValueError
        If count or step is not positive.
    """
    if count < 1 or step < 1:
        raise ValueError(f"count and step must be >= 1, got {count} and {step}")
    return np.arange(0, count, step)


def frame_split(
    frames: pd.DataFrame, *, by: str = "subject", rng: np.random.Generator | None = None
) -> pd.Series:
    """Return the split of every annotated frame.

    Parameters
    ----------
    frames : pandas.DataFrame
        subject_id, sweep_id, frame_index and split: the split of the frame's subject.
    by : {"subject", "frame"}
        "frame" is the one allowed exception to splitting by subject: the printed split may mix
        frames of one sweep. It shuffles all frames, stratified by nothing.
    rng : numpy.random.Generator, optional
        Needed by frame.

    Returns
    -------
    pandas.Series of str
        Like frames. By frame and with 611 frames or more, exactly 432, 108 and 71 are drawn and
        the rest is "unused"; with fewer, all are used in the same shares.

    Raises
    ------
    ValueError
        For another `by`, no rng by frame, a frame that is there twice, a subject in two splits,
        or a split without frames.
    """
    check_splits(frames, key=_FRAME_KEY)
    if by == "subject":
        return frames.split
    if by != "frame":
        raise ValueError(f"by must be 'subject' or 'frame', got {by!r}")
    if rng is None:
        raise ValueError("a split by frame needs rng, got None")
    counts = share_out(min(len(frames), sum(PRINTED_FRAMES.values())), PRINTED_FRAMES)
    names = np.repeat([*counts, UNUSED], [*counts.values(), len(frames) - sum(counts.values())])
    # Frames are drawn in the order of their key, so that the order of rows decides nothing.
    ordered = frames.sort_values(_FRAME_KEY).index
    return pd.Series(names[rng.permutation(len(names))], index=ordered).reindex(frames.index)


def share_out(count: int, shares: Mapping[str, int]) -> dict[str, int]:
    """Divide a number of things in given proportions (largest remainders).

    Parameters
    ----------
    count : int
    shares : mapping of str to int
        Proportions, for example the printed counts.

    Returns
    -------
    dict of str to int
        Sums to `count`; equal to `shares` where `count` is their sum.

    Raises
    ------
    ValueError
        If there are fewer things than shares, or one would get none.
    """
    exact = np.array([*shares.values()], float) * count / sum(shares.values())
    found = np.floor(exact).astype(int)
    largest = np.argsort(found - exact, kind="stable")[: count - found.sum()]
    found[largest] += 1
    if not found.all():
        raise ValueError(f"{count} cannot be divided as {dict(shares)}: a share would be empty")
    return dict(zip(shares, found.tolist(), strict=True))


def first_round(
    volumes: pd.DataFrame, *, subjects: Mapping[str, int] = FIRST_SUBJECTS
) -> pd.DataFrame:
    """Choose the volumes of the first 3D round.

    Parameters
    ----------
    volumes : pandas.DataFrame
        subject_id, sweep_id, split and is_labelled_3d of all volumes at hand.
    subjects : mapping of str to int
        How many of each split at most.

    Returns
    -------
    pandas.DataFrame
        Their rows, sorted: whole subjects with 3D labels. Those with most sweeps come first,
        then in the order of their ids, so that sides and directions are balanced wherever the
        cohort allows it. Rows of the test split judge the model; the rest is trained on.

    Raises
    ------
    ValueError
        For a volume that is there twice, a subject in two splits, or an empty split.
    """
    rows = _labelled(volumes)
    chosen = [
        name
        for split, most in subjects.items()
        for name in _subjects(rows[rows.split == split])[:most]
    ]
    return _sorted(rows[rows.subject_id.isin(chosen)])


def second_round(
    volumes: pd.DataFrame, *, most: Mapping[str, int] = PRINTED_VOLUMES
) -> pd.DataFrame:
    """Choose the volumes of the second 3D round: 48 where the cohort has them.

    Parameters
    ----------
    volumes : pandas.DataFrame
        As for `first_round`.
    most : mapping of str to int
        Volumes of each split at most.

    Returns
    -------
    pandas.DataFrame
        Their rows, sorted: whole subjects as in `first_round`, as long as they fit. Counts are as
        they fall: a sweep that breaks a rule of quality is not replaced.

    Raises
    ------
    ValueError
        As `first_round`, or if not one subject fits.
    """
    rows = _labelled(volumes)
    chosen = []
    for split, limit in most.items():
        part = rows[rows.split == split]
        sizes = part.groupby("subject_id").size()
        names = _subjects(part)
        fitting = int(np.searchsorted(np.cumsum(sizes[names].to_numpy()), limit, side="right"))
        if not fitting:
            raise ValueError(f"split {split!r}: at most {limit} volumes, {names[0]} alone has "
                             f"{sizes[names[0]]}")  # fmt: skip
        chosen += names[:fitting]
    return _sorted(rows[rows.subject_id.isin(chosen)])


def check_splits(
    table: pd.DataFrame, *, key: Sequence[str] = _VOLUME_KEY, splits: Sequence[str] = SPLITS
) -> None:
    """Refuse an assignment under which a result would not count.

    Parameters
    ----------
    table : pandas.DataFrame
        The key's columns, subject_id and split.
    key : sequence of str
        Identifies a case.
    splits : sequence of str
        All must have cases.

    Raises
    ------
    ValueError
        For a missing column, a case that is there twice, an unknown split, a subject in two
        splits, or an empty split.
    """
    missing = [name for name in dict.fromkeys([*key, "subject_id", "split"]) if name not in table]
    if missing:
        raise ValueError(f"assignment needs columns {missing}, has {list(table.columns)}")
    repeated = table[table.duplicated(list(key))]
    if len(repeated):
        raise ValueError(f"case {repeated[list(key)].iloc[0].to_dict()} is there twice")
    unknown = sorted(set(table.split.astype(str)) - set(splits))
    if unknown:
        raise ValueError(f"split must be one of {tuple(splits)}, got {unknown}")
    for subject, found in table.groupby("subject_id").split.unique().items():
        if len(found) > 1:
            raise ValueError(f"subject {subject} is in {len(found)} splits: {sorted(found)}")
    empty = [name for name in splits if name not in set(table.split)]
    if empty:
        raise ValueError(f"splits {empty} are empty: {len(table)} cases are all in other ones")


def _labelled(volumes: pd.DataFrame) -> pd.DataFrame:
    """Return the checked volumes of subjects with 3D labels."""
    if "is_labelled_3d" not in volumes:
        raise ValueError(f"volumes need a column is_labelled_3d, have {list(volumes.columns)}")
    rows = volumes[volumes.is_labelled_3d.astype(bool)]
    check_splits(rows)
    return rows


def _subjects(rows: pd.DataFrame) -> list[str]:
    """Return the subjects, those with most sweeps first, then by id."""
    sizes = rows.groupby("subject_id").size()
    return sorted(sizes.index, key=lambda name: (-sizes[name], name))


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values(_VOLUME_KEY).reset_index(drop=True)
