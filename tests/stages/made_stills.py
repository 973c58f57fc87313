"""Made-up still cases: DICOM and mask files of a dark head below a bright roof, with text."""

from pathlib import Path

import cv2
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from hipus import images
from hipus.labels import StillLabel

#: Screen, the sonogram in it, and the somewhat larger box that is found: rows and columns.
SCREEN = (150, 210)
SONOGRAM = np.s_[20:130, 30:170]
FOUND = np.s_[15:137, 25:177]
CASES = ("167854", "167855", "171551", "171554", "171555", "172533", "172658", "72628")
EMPTY = "72628"


def still(rng: np.random.Generator, *, shift: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return one screen and its labels; the anatomy lies `shift` px lower and further right."""
    speckle = cv2.GaussianBlur(rng.normal(0, 1, SCREEN), (0, 0), sigmaX=3, sigmaY=1.5)
    grey = 90 + 12 * speckle / speckle.std()
    labels = np.zeros(SCREEN, np.uint8)
    labels[70 + shift : 78 + shift, 34 : 90 + shift] = StillLabel.ILIUM
    cv2.circle(labels, (115 + shift, 75 + shift), 22, int(StillLabel.FEMORAL_HEAD), -1)
    labels[106 + shift : 114 + shift, 104 + shift : 126 + shift] = StillLabel.OS_ISCHIUM
    bone = (labels == StillLabel.ILIUM) | (labels == StillLabel.OS_ISCHIUM)
    drawn = np.where(labels == StillLabel.FEMORAL_HEAD, 40, np.where(bone, 200, grey))
    drawn = cv2.GaussianBlur(drawn, (0, 0), 1.5)
    screen = np.zeros(SCREEN, np.uint8)
    screen[SONOGRAM] = np.clip(drawn, 6, 255)[SONOGRAM]
    for left in range(140, 165, 6):  # five strokes of text
        screen[110:122, left : left + 3] = 255
    return screen, labels


def case(rng: np.random.Generator, *, frames: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return frames and labels of a case; its anatomy lies elsewhere than the next case's."""
    shift = int(rng.integers(-6, 7))
    pairs = [still(rng, shift=shift) for _ in range(frames)]
    return tuple(np.stack(one) for one in zip(*pairs, strict=True))


def write_dicom(frames: np.ndarray, path: Path) -> Path:
    """Write grey frames as a multi-frame ultrasound file."""
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    found.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    found.SOPClassUID, found.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    found.Modality, found.PhotometricInterpretation = "US", "MONOCHROME2"
    found.NumberOfFrames, found.Rows, found.Columns = frames.shape
    found.SamplesPerPixel, found.PixelRepresentation = 1, 0
    found.BitsAllocated, found.BitsStored, found.HighBit = 8, 8, 7
    found.PixelData = frames.tobytes() + b"\0" * (frames.size % 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, found, enforce_file_format=True)
    return path


def write_labels(labels: np.ndarray, path: Path, *, direction=None) -> Path:
    """Write masks as the open ones are: 16 bits, spacing 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    turned = np.eye(3) if direction is None else direction
    return images.write(
        images.Volume(labels.astype(np.uint16), (1.0, 1.0, 1.0), direction=turned), path
    )


def write_cases(folder: Path, *, frames: int = 3) -> None:
    """Write all cases of the registry below a folder; one of them has no labels."""
    for index, name in enumerate(CASES):
        pictures, labels = case(np.random.default_rng(index), frames=frames)
        labels *= name != EMPTY
        write_dicom(pictures, folder / "infant_hip_stills" / "dicom" / f"{name}.dcm")
        write_labels(labels, folder / "infant_hip_stills" / "labels" / f"{name}.nii.gz")
