"""A scene: what fills space around one hip, in the form that imaging models read.

Decides the border between anatomy and imaging. Anatomy fills a scene with signed distances
and tissue coordinates on a regular grid; ultrasound (later CT and radiographs) reads it and
knows nothing of how a hip is shaped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Fields of every scene, in the order of the first axis of `Scene.fields`. All are in mm.
#: `*_distance` are signed distances, negative inside. `skin_depth` is the depth below the
#: skin, negative outside the body. `layer_depth` is the depth in a coordinate that follows
#: skin and bone (0 at the skin), along which fascia and muscle layers lie.
FIELDS = (
    "ilium_distance",
    "femur_distance",
    "ischium_distance",
    "pubis_distance",
    "nucleus_distance",
    "head_distance",
    "acetabular_cartilage_distance",
    "labrum_distance",
    "triradiate_distance",
    "capsule_distance",
    "skin_depth",
    "layer_depth",
)
#: Fields whose inside is bone: they reflect, and cast shadows.
BONES = FIELDS[:5]


@dataclass(frozen=True)
class Scene:
    """Fields on a regular grid in the hip frame.

    Attributes
    ----------
    fields : numpy.ndarray (len(FIELDS), D, H, W) float32
        Indexed [field, z, y, x], values in mm; distances may be clipped to +-`reach_mm`.
    origin_xyz_mm : tuple of 3 float
        Hip coordinates of the centre of voxel [0, 0, 0].
    spacing_mm : float
        Isotropic.
    reach_mm : float
        Distances beyond this are clipped.

    Notes
    -----
    The hip frame is LPS at the acetabulum: x to the patient's left, y posterior, z superior,
    origin at the centre of the acetabular sphere, mm. A left hip therefore has its skin at
    positive x, a right hip at negative x.
    """

    fields: np.ndarray
    origin_xyz_mm: tuple[float, float, float]
    spacing_mm: float
    reach_mm: float

    def __post_init__(self) -> None:
        """Check rank, number of fields and spacing."""
        if self.fields.ndim != 4 or self.fields.shape[0] != len(FIELDS):
            raise ValueError(f"fields must be ({len(FIELDS)}, D, H, W), got {self.fields.shape}")
        if not self.spacing_mm > 0:
            raise ValueError(f"spacing_mm must be positive, got {self.spacing_mm}")

    def field(self, name: str) -> np.ndarray:
        """Return one field (D, H, W) by name.

        Raises
        ------
        ValueError
            If there is no such field.
        """
        if name not in FIELDS:
            raise ValueError(f"field must be one of {FIELDS}, got {name!r}")
        return self.fields[FIELDS.index(name)]
