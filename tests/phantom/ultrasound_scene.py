"""Scenes for the ultrasound tests: made of spheres and slabs, independent of the anatomy.

Left side: the skin lies at positive x, the beam points to negative x, cranial is at the left
of the picture.
"""

import numpy as np

from hipus.phantom.scene import FIELDS, Scene

SPACING_MM = 0.5
REACH_MM = 8.0
HEAD_RADIUS_MM = 8.0
#: Depth of the head's centre below the face, and of the skin.
HEAD_DEPTH_MM, SKIN_DEPTH_MM = 21.0, 0.8


def image_to_hip(y_mm=0.0) -> np.ndarray:
    """Return the pose of a Graf-like plane shifted by `y_mm` out of plane."""
    T = np.eye(4)
    T[:3, 0] = [0, 0, -1]
    T[:3, 1] = [-1, 0, 0]
    T[:3, 2] = [0, 1, 0]
    T[:3, 3] = [HEAD_DEPTH_MM, y_mm, 0]
    return T


def grid():
    """Return points (D, H, W, 3) and the origin of the scenes' grid."""
    x = np.arange(-27, 24.1, SPACING_MM)
    y = np.arange(-12, 12.1, SPACING_MM)
    z = np.arange(-24, 24.1, SPACING_MM)
    zz, yy, xx = np.meshgrid(z, y, x, indexing="ij")
    return np.stack([xx, yy, zz], axis=-1), (float(x[0]), float(y[0]), float(z[0]))


def make_scene(**given) -> Scene:
    """Return a scene whose named fields are given and whose others are far away."""
    points, origin = grid()
    fields = np.full((len(FIELDS), *points.shape[:3]), REACH_MM, np.float32)
    skin = HEAD_DEPTH_MM - SKIN_DEPTH_MM - points[..., 0]
    given = {"skin_depth": skin, "layer_depth": skin, **given}
    for name, values in given.items():
        limit = 1e3 if name.endswith("_depth") else REACH_MM
        fields[FIELDS.index(name)] = np.clip(values, -limit, limit)
    return Scene(fields, origin, SPACING_MM, REACH_MM)


def homogeneous_scene() -> Scene:
    """Return muscle without end, the skin far above the probe."""
    points, _ = grid()
    far = np.full(points.shape[:3], 40.0)
    return make_scene(skin_depth=far, layer_depth=far)


def slab_scene(front_x_mm=0.0) -> Scene:
    """Return muscle over a plane of bone facing the probe, on the cranial half."""
    points, _ = grid()
    bone = np.maximum(points[..., 0] - front_x_mm, -points[..., 2])
    return make_scene(ilium_distance=bone)


def hip_scene() -> Scene:
    """Return a crude hip: iliac wing, roof at 60 degrees, head, femur, ischium, labrum."""
    points, _ = grid()
    x, y, z = np.moveaxis(points, -1, 0)
    radius = np.sqrt(x**2 + y**2 + z**2)
    roof = (radius - (HEAD_RADIUS_MM + 1.6)) * -1
    wing = np.maximum(x - 0.5 * HEAD_RADIUS_MM, np.maximum(roof, -z - 2))
    ilium = np.maximum(wing, -6 - x)
    femur = np.maximum(np.maximum(x - 4.5, z + 6.5), -(radius - HEAD_RADIUS_MM - 0.3))
    ischium = np.sqrt((x + 14) ** 2 + (z + 1) ** 2 + 0.15 * y**2) - 2.5
    head = radius - HEAD_RADIUS_MM
    capsule = radius - (HEAD_RADIUS_MM + 1.5)
    cartilage = np.maximum(np.maximum(-head + 0.2, radius - 9.4), np.maximum(-z, x - 6))
    labrum = np.sqrt((x - 6.5) ** 2 + (z - 6.5) ** 2 + 0.05 * y**2) - 1.3
    skin = HEAD_DEPTH_MM - SKIN_DEPTH_MM - x
    hump = 3.0 * np.exp(-(z**2 + y**2) / 60) * np.clip(skin / 12, 0, 1) ** 2
    return make_scene(
        ilium_distance=ilium,
        femur_distance=femur,
        ischium_distance=ischium,
        head_distance=head,
        capsule_distance=capsule,
        acetabular_cartilage_distance=cartilage,
        labrum_distance=labrum,
        layer_depth=skin + hump,
    )
