"""A session: everything that stays as it is while one infant is examined.

Decides the frame rate, the picture's depth, the probe's calibration and how wrong the
calibrated one is, the delay between tracker and images, where the camera and the reference
marker are, and the hand of the operator. Deliberately moves nothing (see `trajectory`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hipus import geometry, rotations
from hipus.phantom.acquisition import protocol
from hipus.phantom.acquisition.imu import ImuErrors, draw_imu_errors
from hipus.phantom.acquisition.placement import SideSetup, draw_side
from hipus.phantom.acquisition.smooth_motion import truncated_normal

#: Range of the picture's depth (issued range of the L7 HD3's hip setting is not public:
#: assumed; the feasibility study's head centres lie 19 to 23 mm deep).
DEPTH_MM = (40.0, 50.0)
#: Assumed range of the gain against the renderer's neutral one (feasibility study A5.1: 0 to +5 dB
#: looks like the real pictures).
GAIN_DB = (0.0, 5.0)
#: Mean and spread between sessions: assumed, near the -0.065 s of the PLUS water-tank
#: recording. A wireless picture arrives late, so poses are stamped earlier than images.
LAG_S = (-0.065, 0.020)
#: Assumed error of a lag calibrated on a water tank (PLUS's own tolerance is 5 ms).
LAG_ERROR_S = 0.002
#: Spread of the calibration's error, at the image's centre and about it. Assumed such that a
#: point of the image is off by about 0.5 mm, as fCal 2.0 reports on its validation sweep
#: (0.54 mm, of which part is localisation error).
CALIBRATION_SHIFT_MM, CALIBRATION_TURN_DEG = 0.20, 0.35
#: Ranges of what differs between operators, around the defaults of `OperatorStyle`.
OPERATOR_RANGES = {
    "speed_variation": (0.18, 0.32),
    "tremor_mm": (0.03, 0.07),
    "tremor_axial_mm": (0.02, 0.04),
    "tremor_deg": (0.08, 0.13),
    "drift_lateral_mm": (0.3, 0.9),
    "drift_axial_mm": (0.1, 0.4),
    "contact_loss_rate_hz": (0.0, 0.1),
}
OPERATOR_TILT_DEG = ((0.7, 0.4, 0.4), (2.5, 1.2, 1.6))
#: Where the picture lies on the probe: the marker sits behind the transducer (assumed).
IMAGE_IN_PROBE_MM = (6.0, 4.0, -95.0)
#: How much the marker's mounting differs between probes: ranges about each axis (assumed).
MOUNTING_SPREAD_MM, MOUNTING_SPREAD_DEG = 4.0, 12.0
#: The inertial board lies in the handle, this far behind the face (assumed), nearly straight.
IMU_BEHIND_FACE_MM, IMU_SPREAD_DEG = 60.0, 3.0


@dataclass(frozen=True)
class OperatorStyle:
    """How steadily somebody sweeps. Standard deviations unless said otherwise.

    Attributes
    ----------
    speed_variation : float
        Of the logarithm of the speed (feasibility study B: about 25 % slow change).
    tremor_mm, tremor_axial_mm : float
        Across and along the beam (feasibility study B: 0.05 and 0.03).
    tremor_deg : float
        About each axis (the feasibility study: 0.1 to 0.15 of jitter; here a little less, so
        that slow tilt and tremor together turn the picture by its 0.37 deg per frame).
    drift_lateral_mm, drift_axial_mm : float
        Slow wandering (feasibility study B: 0.3 to 1.2, 0.1 to 0.5).
    tilt_deg : tuple of 3 float
        Slow turning about the lateral, axial and elevational axes (feasibility study B: amplitudes
        1 to 4, 0.5 to 2, 0.5 to 2.5).
    hesitation_s : tuple of 2 float
        Range of the standstill at either end (assumed).
    flip_probability : float
        Of a sweep done with the probe turned by 180 degrees (assumed: 1 in 25).
    contact_loss_rate_hz : float
        Mean number of contact losses per second (assumed).
    """

    speed_variation: float = 0.25
    tremor_mm: float = 0.05
    tremor_axial_mm: float = 0.03
    tremor_deg: float = 0.105
    drift_lateral_mm: float = 0.6
    drift_axial_mm: float = 0.25
    tilt_deg: tuple[float, float, float] = (1.6, 0.8, 1.0)
    hesitation_s: tuple[float, float] = (0.2, 0.9)
    flip_probability: float = 0.04
    contact_loss_rate_hz: float = 0.05

    def __post_init__(self) -> None:
        """Refuse negative spreads and probabilities that are none."""
        for name, value in vars(self).items():
            if not np.all(np.isfinite(value)) or np.min(value) < 0:
                raise ValueError(f"operator.{name} must be finite and >= 0, got {value}")
        if self.flip_probability > 1:
            raise ValueError(f"operator.flip_probability must be <= 1, got {self.flip_probability}")
        if self.hesitation_s[0] > self.hesitation_s[1]:
            raise ValueError(f"operator.hesitation_s must be a range, got {self.hesitation_s}")


@dataclass(frozen=True)
class Session:
    """What one examination has in common; all of it truth unless called calibrated.

    Attributes
    ----------
    frame_rate_hz, depth_mm, gain_db : float
    lag_s, lag_calibrated_s : float
        `pose_time = image_time + lag`: the true one, and what a calibration found.
    T_image_to_probe, T_image_to_probe_calibrated : numpy.ndarray (4, 4)
        The image frame has its origin in the middle of the transducer's face, x lateral, y
        into the body, z elevational, mm. The probe frame is its marker's.
    T_imu_to_probe : numpy.ndarray (4, 4)
    imu_errors : ImuErrors
    left, right : SideSetup
        Camera and reference marker, as each hip is turned up in its turn.
    operator : OperatorStyle
    """

    frame_rate_hz: float
    depth_mm: float
    gain_db: float
    lag_s: float
    lag_calibrated_s: float
    T_image_to_probe: np.ndarray
    T_image_to_probe_calibrated: np.ndarray
    T_imu_to_probe: np.ndarray
    imu_errors: ImuErrors
    left: SideSetup
    right: SideSetup
    operator: OperatorStyle

    def __post_init__(self) -> None:
        """Check rates, depth and rigid transforms."""
        if not 1 <= self.frame_rate_hz <= 200:
            raise ValueError(f"frame_rate_hz must lie between 1 and 200, got {self.frame_rate_hz}")
        if not 10 <= self.depth_mm <= 150:
            raise ValueError(f"depth_mm must lie between 10 and 150, got {self.depth_mm}")
        for name in ("T_image_to_probe", "T_image_to_probe_calibrated", "T_imu_to_probe"):
            geometry.check_transform(getattr(self, name), name)

    def setup(self, side: str) -> SideSetup:
        """Return where camera and reference marker are while a side is examined."""
        if side not in protocol.SIDES:
            raise ValueError(f"side must be one of {protocol.SIDES}, got {side!r}")
        return self.left if side == "left" else self.right

    @property
    def image_centre_mm(self) -> np.ndarray:
        """Return the picture's centre in the image frame, (3,)."""
        return np.array([0.0, self.depth_mm / 2, 0.0])

    def pixel_side_mm(self, rows: int) -> float:
        """Return the side of a (square) pixel of pictures with so many rows."""
        if rows < 2:
            raise ValueError(f"rows must be >= 2, got {rows}")
        return self.depth_mm / rows

    def T_pixel_to_image(self, frame_shape: tuple[int, int]) -> np.ndarray:
        """Return where the pixels of a frame lie, scale included, (4, 4).

        Parameters
        ----------
        frame_shape : tuple of 2 int
            Rows and columns.

        Returns
        -------
        numpy.ndarray (4, 4) float64
            Pixel centres are whole numbers; row 0 lies on the transducer's face, whose middle
            is midway between the first and the last column.
        """
        return pixel_to_image(frame_shape, self.pixel_side_mm(frame_shape[0]))


def pixel_to_image(frame_shape: tuple[int, int], pixel_side_mm: float) -> np.ndarray:
    """Return T_pixel_to_image (4, 4) of frames with square pixels.

    Parameters
    ----------
    frame_shape : tuple of 2 int
        Rows and columns.
    pixel_side_mm : float

    Returns
    -------
    numpy.ndarray (4, 4) float64
        Pixel centres are whole numbers; row 0 lies on the transducer's face.
    """
    first_mm = -0.5 * pixel_side_mm * (frame_shape[1] - 1)
    return geometry.transform(pixel_side_mm * np.eye(3), [first_mm, 0.0, 0.0])


def draw_operator(rng: np.random.Generator) -> OperatorStyle:
    """Draw the hand of one operator within the ranges of the feasibility study.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    OperatorStyle
    """
    return OperatorStyle(
        **{name: rng.uniform(*ends) for name, ends in OPERATOR_RANGES.items()},
        tilt_deg=tuple(float(value) for value in rng.uniform(*OPERATOR_TILT_DEG)),
    )


def draw_session(
    rng: np.random.Generator, *, operator: OperatorStyle | None = None, **fixed
) -> Session:
    """Draw what one examination has in common.

    Parameters
    ----------
    rng : numpy.random.Generator
        Every quantity has a stream of its own: fixing one changes no other.
    operator : OperatorStyle, optional
        Drawn when left out.
    **fixed
        Attributes of `Session` to set instead of drawing them, for example
        `frame_rate_hz=20.0`.

    Returns
    -------
    Session

    Raises
    ------
    ValueError
        For an unknown attribute, or an impossible value.
    """
    unknown = sorted(set(fixed) - set(Session.__dataclass_fields__))
    if unknown:
        raise ValueError(f"a session has no {', '.join(unknown)}")
    picture, delay, probe, sensor, left, right, hand = rng.spawn(7)
    T_image_to_probe = _draw_mounting(probe)
    session = Session(
        frame_rate_hz=protocol.FRAME_RATE_HZ_MEAN + protocol.FRAME_RATE_HZ_SD * _within(picture),
        depth_mm=picture.uniform(*DEPTH_MM),
        gain_db=picture.uniform(*GAIN_DB),
        lag_s=(lag_s := LAG_S[0] + LAG_S[1] * _within(delay)),
        lag_calibrated_s=lag_s + LAG_ERROR_S * _within(delay),
        T_image_to_probe=T_image_to_probe,
        T_image_to_probe_calibrated=_miscalibrated(probe, T_image_to_probe),
        T_imu_to_probe=_draw_imu_mounting(sensor, T_image_to_probe),
        imu_errors=draw_imu_errors(sensor),
        left=draw_side(left, "left"),
        right=draw_side(right, "right"),
        operator=operator or draw_operator(hand),
    )
    return replace(session, **fixed)


def _within(rng: np.random.Generator) -> float:
    """Return a standard normal number that is not extreme."""
    return truncated_normal(rng, protocol.GREATEST_DEVIATION_SD)


def _draw_mounting(rng: np.random.Generator) -> np.ndarray:
    """Return T_image_to_probe: a marker behind the probe that looks back along the beam."""
    # Marker z points out of the patient (image -y), marker x along the picture.
    upright = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]])
    turn = rotations.from_euler(MOUNTING_SPREAD_DEG * rng.uniform(-1, 1, 3), "ZYX")
    place = IMAGE_IN_PROBE_MM + MOUNTING_SPREAD_MM * rng.uniform(-1, 1, 3)
    return geometry.transform(turn @ upright, place)


def _miscalibrated(rng: np.random.Generator, T_image_to_probe: np.ndarray) -> np.ndarray:
    """Return a calibration that errs about the middle of a 45 mm deep picture."""
    turn = np.radians(CALIBRATION_TURN_DEG) * rng.standard_normal(3)
    R = rotations.from_rotation_vector(turn)
    centre = np.array([0.0, np.mean(DEPTH_MM) / 2, 0.0])
    shift = CALIBRATION_SHIFT_MM * rng.standard_normal(3)
    return geometry.compose(T_image_to_probe, geometry.transform(R, shift + centre - R @ centre))


def _draw_imu_mounting(rng: np.random.Generator, T_image_to_probe: np.ndarray) -> np.ndarray:
    """Return T_imu_to_probe: a board in the handle.

    Its axes: z out of the patient (the open Clarius log shows gravity mostly along z), with
    a few degrees of tilt.
    """
    z_out = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    turn = rotations.from_euler(IMU_SPREAD_DEG * rng.uniform(-1, 1, 3), "ZYX")
    T_imu_to_image = geometry.transform(z_out @ turn, [0.0, -IMU_BEHIND_FACE_MM, 0.0])
    return geometry.compose(T_image_to_probe, T_imu_to_image)
