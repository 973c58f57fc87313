"""A de-identified copy of an ultrasound DICOM file: the basic profile, and masked pictures.

Decides that pictures are stored as plain grey levels, so that no compressed original of a
masked picture is left in the file. Deliberately judges nothing: which pixels are masked is
decided before.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hipus.files import atomic_path
from hipus.intake.basic_profile import Pseudonym, deidentify

#: Elements that describe other pixels than the new ones.
_OF_OLD_PIXELS = ("PlanarConfiguration", "ExtendedOffsetTable", "ExtendedOffsetTableLengths")
_OF_OLD_PIXELS += ("IconImageSequence", "UltrasoundColorDataPresent")


def write_copy(source: Path, frames: np.ndarray, who: Pseudonym, target: Path) -> Path:
    """Write what may be passed on of a DICOM file.

    Parameters
    ----------
    source : Path
    frames : numpy.ndarray (N, H, W) uint8
        Its pictures, already without writing.
    who : Pseudonym
    target : Path

    Returns
    -------
    Path
        The target.

    Raises
    ------
    ValueError
        If the frames are not those of the file.
    """
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian

    found = pydicom.dcmread(source)
    stated = (int(found.get("NumberOfFrames") or 1), int(found.Rows), int(found.Columns))
    if frames.shape != stated or frames.dtype != np.uint8:
        raise ValueError(f"{source}: frames must be uint8 {stated}, got {frames.shape}")
    if "PixelData" in found:
        del found.PixelData
    clean = deidentify(found, who, has_clean_pixels=True)
    for keyword in _OF_OLD_PIXELS:
        if keyword in clean:
            delattr(clean, keyword)
    clean.PhotometricInterpretation, clean.SamplesPerPixel = "MONOCHROME2", 1
    clean.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    clean.PixelData = frames.tobytes() + b"\0" * (frames.size % 2)
    clean["PixelData"].VR = "OB"
    with atomic_path(target) as temporary:
        pydicom.dcmwrite(temporary, clean, enforce_file_format=True)
    return target
