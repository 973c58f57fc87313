"""A made-up N-wire phantom, a probe over it, and pictures of its wires."""

from dataclasses import dataclass

import numpy as np

from hipus import geometry, rotations
from hipus.calibration.wires import NWirePhantom, SegmentationSettings

#: Pixels that are not square, and of a size that the settings know to 9 % only.
PIXEL_MM = (0.095, 0.080)
SHAPE = (470, 560)


def make_phantom(front_x, back_x, heights=(18.0, 9.0, 0.0), **settings) -> NWirePhantom:
    """Return a phantom of layers with wires from (x, 0, z) to (x', 36, z)."""
    heights_mm = np.repeat(heights, 3)
    front = np.stack([np.ravel(front_x), np.zeros(len(heights_mm)), heights_mm], axis=1)
    back = np.stack([np.ravel(back_x), np.full(len(heights_mm), 36.0), heights_mm], axis=1)
    return NWirePhantom(
        names=tuple(f"wire {index}" for index in range(len(heights_mm))),
        front_mm=front,
        back_mm=back,
        T_phantom_to_reference=geometry.transform(
            rotations.from_euler(np.array([40.0, -25.0, 70.0]), "ZYX"), [12.0, -30.0, 55.0]
        ),
        segmentation=SegmentationSettings(approximate_spacing_mm=0.087, **settings),
    )


@dataclass(frozen=True)
class Scene:
    """A probe over the phantom: truth, poses, and the dots it must show."""

    phantom: NWirePhantom
    T_pixel_to_probe: np.ndarray
    T_probe_to_reference: np.ndarray
    points_px: np.ndarray


def cut(T_pixel_to_phantom: np.ndarray, phantom: NWirePhantom) -> np.ndarray:
    """Return where one image plane meets the wires, in px, by plane and line equations."""
    origin, normal = T_pixel_to_phantom[:3, 3], T_pixel_to_phantom[:3, 2]
    points = []
    for front, back in zip(phantom.front_mm, phantom.back_mm, strict=True):
        share = (origin - front) @ normal / ((back - front) @ normal)
        hit = front + share * (back - front)
        points.append(np.linalg.lstsq(T_pixel_to_phantom[:3, :2], hit - origin, rcond=None)[0])
    return np.array(points)


def make_scene(phantom, rng, *, count=40, turn_deg=4.0, pixel_mm=PIXEL_MM) -> Scene:
    """Move a probe about over the phantom, image upright, `turn_deg` of scatter in its pose."""
    T_image_to_probe = geometry.transform(
        rotations.from_euler(np.array([95.0, 12.0, -8.0]), "ZYX"), [14.0, 48.0, -3.0]
    )
    scale = np.diag([*pixel_mm, np.mean(pixel_mm), 1.0])
    # u runs against x, v downwards (against z): the image's normal is then -y.
    upright = np.array([[-1.0, 0, 0], [0, 0, -1.0], [0, -1.0, 0]])
    turns = rotations.from_euler(turn_deg * rng.standard_normal((count, 3)), "ZYX")
    middle = np.array([0.5 * SHAPE[1] * pixel_mm[0], 0.5 * SHAPE[0] * pixel_mm[1], 0.0])
    target = np.array([23.5, 18.0, 9.0]) + rng.uniform(-1, 1, (count, 3)) * [2.0, 8.0, 1.0]
    R = upright @ turns
    T_image_to_phantom = geometry.transform(R, target - R @ middle)
    poses = geometry.compose(
        phantom.T_phantom_to_reference, T_image_to_phantom, geometry.invert(T_image_to_probe)
    )
    points = np.stack([cut(T @ scale, phantom) for T in T_image_to_phantom])
    return Scene(phantom, T_image_to_probe @ scale, poses, points)


def draw(points_px, *, shape=SHAPE, peak=220.0, sigma_px=(4.0, 3.2), rng=None, speckle=0.0):
    """Draw Gaussian dots, over Rayleigh speckle of a mean grey level if asked to."""
    v, u = np.mgrid[: shape[0], : shape[1]]
    image = np.zeros(shape)
    peaks = np.broadcast_to(peak, len(points_px))
    for (at_u, at_v), height in zip(points_px, peaks, strict=True):
        arm = ((u - at_u) / sigma_px[0]) ** 2 + ((v - at_v) / sigma_px[1]) ** 2
        image += height * np.exp(-arm / 2)
    if speckle:
        image += rng.rayleigh(speckle / np.sqrt(np.pi / 2), shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
