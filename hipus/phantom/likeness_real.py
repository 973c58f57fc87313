"""The real pictures that simulated ones are compared with, and their two halves.

Decides which open pictures count, what is cut off them, who is one subject, and which half
tunes and which reports. The split is by subject and by a hash of its name, so that nobody
chose it. Starting values of the simulation had already seen five of the eight still cases and
nearly all standard planes (a feasibility study): the reporting half is therefore held out from
the last tuning, not from the first. It was read twice: after the tuning, and once more after
tissue was averaged over the beam's width and its texture readjusted on the tuning half, which
the first reading did not prompt.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

import numpy as np

from hipus.formats import dicom, real_data
from hipus.formats.manifest import entries

log = logging.getLogger(__name__)

GROUPS = ("graf_planes", "infant_hip_stills")
#: Pictures of one subject (or one picture twice) correlate more than this at 32 x 32 px.
SAME_SUBJECT_CORRELATION = 0.9


@dataclass(frozen=True)
class RealPicture:
    """One real picture.

    Attributes
    ----------
    name : str
        Registry name, with the frame's number for stills.
    group : str
        One of `GROUPS`.
    subject : str
        Pictures that share it are of one case, or nearly the same picture.
    half : str
        "tune" or "report".
    picture : numpy.ndarray (H, W) uint8
        The sonogram.
    is_masked : numpy.ndarray (H, W) bool
        Burnt-in drawings.
    """

    name: str
    group: str
    subject: str
    half: str
    picture: np.ndarray
    is_masked: np.ndarray


def half_of(subject: str) -> str:
    """Return which half a subject belongs to: "tune" or "report", by SHA-256 of its name."""
    return "tune" if hashlib.sha256(subject.encode()).digest()[0] % 2 else "report"


def load_real_pictures() -> list[RealPicture]:
    """Load every open hip picture that is on this machine.

    Returns
    -------
    list of RealPicture
        Graf planes, then stills, each sorted by name; coloured and nearly black frames are
        left out.

    Raises
    ------
    real_data.MissingRealData
        If a file is absent; the message says how to get it.
    """
    names = [name for name in sorted(entries()) if name.startswith(GROUPS)]
    pictures = []
    planes = [name for name in names if name.endswith(".png")]
    loaded = [_load_plane(name) for name in planes]
    for name, subject, (picture, mask) in zip(
        planes, _subjects(planes, loaded), loaded, strict=True
    ):
        pictures.append(RealPicture(name, GROUPS[0], subject, half_of(subject), picture, mask))
    for name in (name for name in names if name.endswith(".dcm")):
        pictures += _load_stills(name)
    log.info("%d real pictures", len(pictures))
    return pictures


def _load_plane(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return one Graf plane and its drawings; all planes fill their picture."""
    import cv2

    colour = cv2.imread(str(real_data.fetch(name)), cv2.IMREAD_COLOR)
    grey, is_coloured = dicom.to_grey(colour[..., ::-1])
    box = (0, 0, grey.shape[1] - 1, grey.shape[0] - 1)
    masked = dicom.mask_burnt_in_text(grey[None], is_coloured=is_coloured[None], box_xyxy=box)
    return np.ascontiguousarray(grey), masked.is_masked[0]


def _load_stills(name: str) -> list[RealPicture]:
    """Return the frames of one case, cut to the sonogram."""
    cine = dicom.read(real_data.fetch(name))
    masked = dicom.mask_burnt_in_text(cine.frames, is_coloured=cine.is_coloured)
    rows, columns = (np.flatnonzero(masked.is_sonogram.any(axis=axis)) for axis in (1, 0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    out = []
    for index, frame in enumerate(cine.frames):
        is_usable = cine.is_coloured[index].mean() < 0.01 and (frame[box] > 8).mean() > 0.3
        if is_usable:
            out.append(
                RealPicture(
                    f"{name}#{index}",
                    GROUPS[1],
                    name,
                    half_of(name),
                    np.ascontiguousarray(frame[box]),
                    masked.is_masked[index][box],
                )  # fmt: skip
            )
    return out


def _subjects(names: list[str], loaded) -> list[str]:
    """Return the subject of each plane: the first plane that looks nearly the same."""
    import cv2

    small = []
    for picture, _ in loaded:
        tiny = cv2.resize(picture, (32, 32), interpolation=cv2.INTER_AREA).ravel().astype(float)
        small.append((tiny - tiny.mean()) / tiny.std())
    alike = np.array(small) @ np.array(small).T / 1024 > SAME_SUBJECT_CORRELATION
    return [names[int(np.argmax(row))] for row in alike]
