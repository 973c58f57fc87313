"""Pictures of wires and of a flat bottom in water: echoes, speckle, grey levels.

Decides how bright and how wide an echo is. Deliberately simpler than the hip's ultrasound:
one Gaussian point-spread function, no attenuation, no shadow. All lengths are in mm in the
image frame (x lateral, y axial, z elevational).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from hipus import geometry

#: Wires are drawn out to this many standard deviations.
_REACH_SIGMA = 3.5


@dataclass(frozen=True)
class WirePicture:
    """How a probe shows a wire in water. Assumed, beside the public fCal 2.0 frames.

    Attributes
    ----------
    psf_sigma_mm : tuple of 3 float
        Lateral, axial, elevational standard deviation of the amplitude.
    wire_db : float
        Peak of a wire that crosses the picture squarely, against the brightest grey level.
    background_db : float
        Mean speckle amplitude of the bath.
    dynamic_range_db : float
    fading_db : float
        Spread of a wire's brightness from frame to frame.
    """

    psf_sigma_mm: tuple[float, float, float] = (0.42, 0.22, 0.9)
    wire_db: float = -4.0
    background_db: float = -58.0
    dynamic_range_db: float = 60.0
    fading_db: float = 3.5

    def __post_init__(self) -> None:
        """Refuse widths and ranges that are none."""
        if len(self.psf_sigma_mm) != 3 or not min(self.psf_sigma_mm) > 0:
            raise ValueError(
                f"picture.psf_sigma_mm must be 3 positive numbers, got {self.psf_sigma_mm}"
            )
        if not self.dynamic_range_db > 0:
            raise ValueError(
                f"picture.dynamic_range_db must be positive, got {self.dynamic_range_db}"
            )


def cut(T_pixel_to_phantom, front_mm: np.ndarray, back_mm: np.ndarray) -> np.ndarray:
    """Return where picture planes meet wires.

    Parameters
    ----------
    T_pixel_to_phantom : numpy.ndarray (N, 4, 4)
        Scale included.
    front_mm, back_mm : numpy.ndarray (W, 3)
        Wire ends in the phantom's frame; wires count as endless.

    Returns
    -------
    numpy.ndarray (N, W, 2) float64
        (u, v) in pixels. A wire parallel to the picture gives infinities.
    """
    to_pixel = geometry.invert(T_pixel_to_phantom)
    front, back = geometry.apply(to_pixel, front_mm), geometry.apply(to_pixel, back_mm)
    along = back - front
    with np.errstate(divide="ignore", invalid="ignore"):
        share = -front[..., 2] / along[..., 2]
        return (front + share[..., None] * along)[..., :2]


def draw_frames(
    rng: np.random.Generator,
    T_image_to_phantom: np.ndarray,
    wires,
    T_pixel_to_image: np.ndarray,
    frame_shape: tuple[int, int],
    *,
    picture: WirePicture,
) -> np.ndarray:
    """Draw the pictures of a session.

    Parameters
    ----------
    rng : numpy.random.Generator
    T_image_to_phantom : numpy.ndarray (N, 4, 4)
        Rigid.
    wires : tuple of 2 numpy.ndarray (W, 3), or None
        Ends in the phantom's frame. None: the flat bottom z = 0 of a tank instead.
    T_pixel_to_image : numpy.ndarray (4, 4)
    frame_shape : tuple of 2 int
    picture : WirePicture

    Returns
    -------
    numpy.ndarray (N, H, W) uint8
    """
    frames = np.empty((len(T_image_to_phantom), *frame_shape), np.uint8)
    to_image = geometry.invert(T_image_to_phantom)
    sides = np.diag(T_pixel_to_image)[:2]
    for index, generator in enumerate(rng.spawn(len(frames))):
        amplitude = _speckle(generator, frame_shape, sides, picture)
        if wires is None:
            amplitude += _bottom(T_image_to_phantom[index], T_pixel_to_image, frame_shape, picture)
        else:
            ends = [geometry.apply(to_image[index], end) for end in wires]
            _add_wires(generator, amplitude, ends, T_pixel_to_image, picture)
        frames[index] = _grey(np.abs(amplitude), picture)
    return frames


def _speckle(rng, shape, sides_mm, picture: WirePicture) -> np.ndarray:
    """Return the complex echo of the bath, with the picture's own correlation."""
    noise = rng.standard_normal((2, *shape), np.float32)
    sigma_px = (0, picture.psf_sigma_mm[1] / sides_mm[1], picture.psf_sigma_mm[0] / sides_mm[0])
    noise = gaussian_filter(noise, sigma_px, mode="wrap", truncate=3.0)
    # The sum of squares of a Gaussian kernel: smoothing lowers the variance by as much.
    gain = np.sqrt(4 * np.pi * sigma_px[1] * sigma_px[2])
    scale = gain * _amplitude(picture.background_db) * np.sqrt(2 / np.pi)
    return (scale * (noise[0] + 1j * noise[1])).astype(np.complex64)


def _amplitude(level_db: float) -> float:
    """Return an amplitude from decibels."""
    return 10 ** (level_db / 20)


def _add_wires(rng, amplitude, ends_mm, T_pixel_to_image, picture: WirePicture) -> None:
    """Add the echoes of straight wires to one frame.

    A line through a Gaussian point-spread function integrates to a Gaussian of the distance
    between pixel and line in units of sigma: oblique wires become long, faint dots.
    """
    sigma = np.array(picture.psf_sigma_mm)
    sides, corner = np.diag(T_pixel_to_image)[:2], T_pixel_to_image[:2, 3]
    for front, back in zip(*ends_mm, strict=True):
        level_db = picture.wire_db + picture.fading_db * rng.standard_normal()
        phase = np.exp(2j * np.pi * rng.random())
        along = (back - front) / np.linalg.norm(back - front)
        if abs(along[2]) < 0.2:
            continue  # nearly in the picture: no dot
        hit = front - front[2] / along[2] * along
        if not 0 <= np.dot(hit - front, along) <= np.linalg.norm(back - front):
            continue  # the plane passes beside the wire's end
        line = along / sigma
        length = np.linalg.norm(line)
        window = _window(hit, along, sigma, (corner, sides), amplitude.shape)
        if window is None:
            continue
        y, x = np.ogrid[window]
        off_x = (corner[0] + sides[0] * x - hit[0]) / sigma[0]
        off_y = (corner[1] + sides[1] * y - hit[1]) / sigma[1]
        beside = off_x**2 + off_y**2 - ((off_x * line[0] + off_y * line[1]) / length) ** 2
        # Squarely crossed, the wire's line has length 1 / sigma_z.
        peak = _amplitude(level_db) / (sigma[2] * length)
        amplitude[window] += (peak * phase * np.exp(-0.5 * beside)).astype(np.complex64)


def _window(hit, along, sigma, grid, shape) -> tuple[slice, slice] | None:
    """Return the pixels around a dot, or None where it is outside of the frame."""
    corner, sides = grid
    # The dot's half lengths: the point-spread function and the slice's thickness, seen along
    # the wire.
    smear = np.abs(along[:2] / along[2]) * sigma[2]
    reach = _REACH_SIGMA * np.hypot(sigma[:2], smear)
    low = np.floor((hit[:2] - reach - corner) / sides).astype(int)
    high = np.ceil((hit[:2] + reach - corner) / sides).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, shape[::-1])
    if (low >= high).any():
        return None
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def _bottom(T_image_to_phantom, T_pixel_to_image, shape, picture: WirePicture) -> np.ndarray:
    """Return the echo of the plane z = 0: a bright line."""
    T = T_image_to_phantom @ T_pixel_to_image
    v, u = np.ogrid[: shape[0], : shape[1]]
    height_mm = T[2, 0] * u + T[2, 1] * v + T[2, 3]
    echo = np.exp(-0.5 * (height_mm / picture.psf_sigma_mm[1]) ** 2)
    return (_amplitude(picture.wire_db) * echo).astype(np.complex64)


def _grey(amplitude: np.ndarray, picture: WirePicture) -> np.ndarray:
    """Return grey levels: logarithmic, 255 at 0 dB, 0 at the end of the dynamic range."""
    level_db = 20 * np.log10(np.maximum(amplitude, 1e-9))
    grey = 255 * (1 + level_db / picture.dynamic_range_db)
    return np.clip(np.rint(grey), 0, 255).astype(np.uint8)
