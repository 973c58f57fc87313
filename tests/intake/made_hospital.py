"""A hospital's recordings, made up: names, dates and all."""

from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage

from hipus import geometry, rotations
from hipus.formats import metafile
from hipus.formats.sequence import from_sweep
from hipus.sweep import Imu, Sweep

#: 0.5 and 0.4 mm a pixel, not square; the picture's normal is the probe's z.
T_PIXEL_TO_PROBE = geometry.transform(np.diag([0.5, 0.4, 0.5]), [-8.0, 3.0, 1.0])


def speckle(rng, count=60, shape=(64, 40)) -> np.ndarray:
    """Return pictures that change from one to the next and have no sharp edges."""
    return rng.integers(60, 130, (count, *shape), dtype=np.uint8)


def turning_sweep(rng, *, count=90, direction=1, imu_late_s=0.0, start_s=0.0) -> Sweep:
    """Return a sweep along the picture's normal by a hand that wags irregularly.

    The sensor feels the same turns, `imu_late_s` later than the tracker sees them.
    """
    time_s = start_s + 0.1 * np.arange(count)

    def turns_rad(at_s):
        wag = 0.10 * np.sin(2.1 * at_s) + 0.05 * np.sin(5.3 * at_s + 1) + 0.03 * np.sin(8.9 * at_s)
        return np.stack([wag, 0.4 * wag**2, 0.5 * np.sin(1.3 * at_s) * wag], axis=1)

    rotation = rotations.from_rotation_vector(turns_rad(time_s - start_s))
    travel = direction * 0.45 * np.arange(count)[:, None] * [0.0, 0.0, 1.0]
    felt_s = np.arange(-0.5, 0.1 * count + 0.5, 0.012)
    ahead, behind = (
        rotations.from_rotation_vector(turns_rad(felt_s - imu_late_s + step)) for step in (1e-4, 0)
    )
    turned = np.swapaxes(behind, 1, 2) @ ahead
    rates = rotations.to_rotation_vector(turned) / 1e-4
    force = np.tile([0.0, 0.0, 9.81], (len(felt_s), 1))
    return Sweep(
        frames=speckle(rng, count),
        time_s=time_s,
        T_probe_to_reference=geometry.transform(rotation, travel),
        T_pixel_to_probe=T_PIXEL_TO_PROBE,
        imu=Imu(start_s + felt_s, rates, force),
        sweep_id="secret-name",
    )


def written(frames: np.ndarray) -> np.ndarray:
    """Return pictures with strokes burnt in, the same in all of them."""
    frames = frames.copy()
    for column in range(4, 34, 4):
        frames[:, 4:14, column : column + 2] = 255
    return frames


def cine(frames: np.ndarray, **elements) -> Dataset:
    """Return an ultrasound data set that names a patient."""
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    found.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    found.SOPClassUID, found.SOPInstanceUID = UltrasoundMultiFrameImageStorage, "1.2.3"
    found.StudyInstanceUID, found.SeriesInstanceUID = "1.2.4", "1.2.5"
    found.PatientName, found.PatientID, found.PatientBirthDate = "Meier^Anna", "4711", "20210301"
    found.StudyDate, found.SeriesDate, found.StudyTime = "20210304", "20210306", "081500"
    found.AccessionNumber, found.Modality = "A1234567", "US"
    found.NumberOfFrames, found.Rows, found.Columns = frames.shape[:3]
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
    found.BitsAllocated, found.BitsStored, found.HighBit = 8, 8, 7
    found.PixelRepresentation, found.FrameTime = 0, "50"
    found.PixelSpacing = [0.4, 0.5]
    found.PixelData = frames.tobytes() + b"\0" * (frames.size % 2)
    for keyword, value in elements.items():
        setattr(found, keyword, value)
    return found


def save_cine(path: Path, frames: np.ndarray, **elements) -> Path:
    """Write a data set."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, cine(frames, **elements), enforce_file_format=True)
    return path


def save_sweep(path: Path, sweep: Sweep) -> Path:
    """Write a sequence metafile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return metafile.write(path, from_sweep(sweep))


def write_list(path: Path, *rows: dict) -> Path:
    """Write a filled list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def hospital(folder: Path, rng) -> Path:
    """Write two patients' recordings in names as hospitals have them; return the folder."""
    for patient, sides in (("Meier_Anna", ("left", "right")), ("Huber_Ben", ("left",))):
        for side in sides:
            direction = -1 if side == "left" else 1
            sweep = turning_sweep(rng, direction=direction)
            save_sweep(folder / patient / f"{patient}_20210304_{side}_p_a.igs.mha", sweep)
    return folder
