"""Compare our reconstructions with volumes that the PLUS toolkit made of the same sweep.

Decides which reference volumes there are, which settings and rounding made them, and what
agreement is expected of each, and why. Deliberately finds no files: callers pass a function
from manifest name to path.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hipus import images
from hipus.formats import metafile, plus_config
from hipus.formats.plus_config import ReconstructionSettings
from hipus.reconstruction.agreement import Agreement, compare
from hipus.reconstruction.grid import VoxelGrid
from hipus.reconstruction.plus_settings import reconstruct_like_plus
from hipus.reconstruction.voxelisation import Reconstruction

if TYPE_CHECKING:
    import pandas as pd

SEQUENCE = "plus/SpinePhantomFreehand.igs.mha"


@dataclass(frozen=True)
class PlusReference:
    """A volume made by PLUS, and what agreement with it means.

    Attributes
    ----------
    name : str
    volume, configuration : str
        Manifest names.
    rounding : {"round", "trunc"}
        How this PLUS version sized the volume.
    measure : str
        The attribute of `Agreement` that is judged.
    bound : float
        Its least value.
    tolerance : float
        Of the comparison, in grey levels.
    """

    name: str
    volume: str
    configuration: str
    rounding: str
    measure: str
    bound: float
    tolerance: float = 2.0


_SET = "plus/PlusDeviceSet_VolumeReconstructionOnly_"
#: The uint8 means are judged by correlation only: they come from a truncating running mean,
#: which is 2.3 grey levels too dark on average. The float mean has no such fault.
REFERENCES = (
    PlusReference(
        "nearest latest",
        "plus/vtkVolumeReconstructorTestNNLATEvolumeRef.mha",
        f"{_SET}SonixRP_TRUS_D70mm_NN_LATE.xml",
        rounding="round",
        measure="equal_fraction",
        bound=0.985,
    ),
    PlusReference(
        "nearest maximum",
        "plus/vtkVolumeReconstructorMaximum1OutputCompare.mha",
        f"{_SET}SpinePhantom_NN_MAXI.xml",
        rounding="trunc",
        measure="within_tolerance_fraction",
        bound=0.985,
    ),
    PlusReference(
        "nearest mean, float",
        "plus/spine_NN_MEAN_05_float.mha",
        "plus/spine_NN_MEAN_05.xml",
        rounding="round",
        measure="within_tolerance_fraction",
        bound=1.0,
        tolerance=0.01,
    ),
    PlusReference(
        "nearest mean",
        "plus/vtkVolumeReconstructorTestNNMEANvolumeRef.mha",
        f"{_SET}SpinePhantom_NN_MEAN.xml",
        rounding="round",
        measure="correlation",
        bound=0.985,
    ),
    PlusReference(
        "linear mean, fan",
        "plus/vtkVolumeReconstructorTestLNMEANvolumeRef.mha",
        f"{_SET}SonixRP_TRUS_D70mm_LN_MEAN.xml",
        rounding="round",
        measure="correlation",
        bound=0.985,
    ),
    PlusReference(
        "linear mean",
        "plus/SpinePhantomFreehandReconstructed.mha",
        "plus/PlusDeviceSet_SpinePhantomFreehandReconstructionOnly.xml",
        rounding="trunc",
        measure="correlation",
        bound=0.985,
    ),
)


@dataclass(frozen=True)
class Reproduction:
    """A reference volume and ours made by the same settings.

    Attributes
    ----------
    reference : PlusReference
    settings : ReconstructionSettings
    ours : Reconstruction
    theirs : hipus.images.Volume
    agreement : Agreement
        Of all voxels.
    is_geometry_equal : bool
        Shape, and origin and spacing to the digits of the reference's header.
    """

    reference: PlusReference
    settings: ReconstructionSettings
    ours: Reconstruction
    theirs: images.Volume
    agreement: Agreement
    is_geometry_equal: bool

    @property
    def holds(self) -> bool:
        """Tell whether geometry and agreement are as they should be."""
        reached = getattr(self.agreement, self.reference.measure)
        return self.is_geometry_equal and bool(reached >= self.reference.bound)


def reproduce(
    reference: PlusReference, find: Callable[[str], Path], *, threads: int | None = None
) -> Reproduction:
    """Make a reference volume from its sweep and settings, and compare.

    Parameters
    ----------
    reference : PlusReference
        One of `REFERENCES`.
    find : callable
        From manifest name to path.
    threads : int, optional

    Returns
    -------
    Reproduction

    Raises
    ------
    ValueError
        If the volumes differ in shape.
    """
    sequence = metafile.read(find(SEQUENCE))
    configuration = find(reference.configuration)
    settings = plus_config.read_reconstruction_settings(configuration)
    T_image_to_probe = plus_config.read_transform(configuration, "Image", "Probe")
    T = sequence.chain("Probe", "Reference") @ T_image_to_probe
    ours = reconstruct_like_plus(
        sequence.frames, T, settings, rounding=reference.rounding, threads=threads
    )
    theirs = images.read(find(reference.volume))
    return Reproduction(
        reference=reference,
        settings=settings,
        ours=ours,
        theirs=theirs,
        agreement=compare(ours.volume, theirs.array, tolerance=reference.tolerance),
        is_geometry_equal=_grid_of(theirs).is_close(ours.grid, tolerance_mm=1e-3),
    )


def _grid_of(volume: images.Volume) -> VoxelGrid:
    """Return the grid of a volume with axes along the world's."""
    if not np.allclose(volume.direction, np.eye(3)):
        raise ValueError(f"reference volume must not be turned, got {volume.direction.tolist()}")
    return VoxelGrid(volume.origin_xyz_mm, volume.spacing_zyx_mm[::-1], volume.array.shape)


def table(reproductions: list[Reproduction]) -> pd.DataFrame:
    """Gather reproductions in a table, one row each.

    Parameters
    ----------
    reproductions : list of Reproduction

    Returns
    -------
    pandas.DataFrame
        Key `reference`; settings, all measures, the judged one with its bound, the verdict.
    """
    import pandas as pd

    return pd.DataFrame([_row(reproduction) for reproduction in reproductions])


def _row(reproduction: Reproduction) -> dict[str, object]:
    """Return one reproduction as a row."""
    reference, agreement = reproduction.reference, reproduction.agreement
    holes = reproduction.settings.stick_length_limit
    return {
        "reference": reference.name,
        "file": Path(reference.volume).name,
        "interpolation": reproduction.settings.interpolation,
        "compounding": reproduction.settings.compounding,
        "stick_length_limit": 0 if holes is None else holes,
        "rounding": reference.rounding,
        "is_geometry_equal": reproduction.is_geometry_equal,
        "voxel_count": agreement.voxel_count,
        "equal_fraction": agreement.equal_fraction,
        "tolerance_grey_levels": agreement.tolerance,
        "within_tolerance_fraction": agreement.within_tolerance_fraction,
        "correlation": agreement.correlation,
        "mean_difference_grey_levels": agreement.mean_difference,
        "largest_difference_grey_levels": agreement.largest_difference,
        "measure": reference.measure,
        "bound": reference.bound,
        "holds": reproduction.holds,
        "frames_used": reproduction.ours.frames_used,
        "frames_left_out": reproduction.ours.frames_left_out,
    }
