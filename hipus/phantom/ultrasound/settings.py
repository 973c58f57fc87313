"""A simulated linear probe and its console: geometry, beam, gain and compression.

Decides the numbers that belong to probe and console, their plausible ranges, and the frames
of reference: image (mm, origin at the middle of the transducer face, x lateral, y axial into
the body, z elevational) and pixel. Deliberately knows nothing of tissue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

#: Full width at half maximum over standard deviation of a Gaussian.
FWHM_PER_SIGMA = 2.3548200450309493
#: Named truth threshold: below this (two-way, tissue attenuation compensated) nothing is
#: seen. At 25 dB/mm it lies 0.75 mm behind a bone's front (SIMULATION.md A6, measured).
INSONIFIED_DB = -19.0
#: Two-way attenuation that the nominal time-gain compensation undoes, dB per mm and MHz:
#: 0.5 dB/cm/MHz one way in soft tissue (Culjat et al. 2010), doubled.
NOMINAL_DB_PER_MM_MHZ = 0.1


@dataclass(frozen=True)
class ProbeSettings:
    """A probe like the Clarius L7 HD3 and the settings of one session.

    Attributes
    ----------
    footprint_mm, depth_mm : float
        Width of the aperture (38 mm, the printed probe) and depth of the picture.
    shape_px : tuple of 2 int
        Rows and columns of a frame; pixels are square, `depth_mm` / rows wide.
    line_count : int
        Scan lines over the footprint: the native grid's columns.
    sample_pitch_mm : float
        Axial step of the native grid.
    frequency_mhz : float
        Centre frequency; the attenuation of tissue scales with it.
    axial_fwhm_mm, lateral_fwhm_mm, elevational_fwhm_mm : float
        Amplitude point spread at the face (axial) and at its narrowest (the others). The
        first two fit real stills' texture (SIMULATION.md A5.3), the third is assumed.
    axial_growth_per_mm : float
        The pulse lengthens as its high frequencies are attenuated; assumed.
    lateral_focus_mm, elevational_focus_mm : float
        Depth of the narrowest beam; assumed.
    lateral_range_mm, elevational_range_mm : float
        Rayleigh length: width = narrowest * sqrt(1 + ((z - focus) / range)^2). Receive
        focusing follows the echo laterally, so that its range is long; assumed.
    gain_db, dynamic_range_db, gamma : float
        grey = 255 * ((dB + gain) / range + 1) ** gamma (SIMULATION.md A5.1).
    tgc_db : tuple of float
        Deviation of the operator's sliders from the nominal compensation, evenly in depth.
    looks : int
        Averaged looks, 1 or 2 (spatial compounding of the vendor; SIMULATION.md A5.2).
    smoothing : float
        Vendor speckle reduction: echo^s * expected^(1 - s); 1 leaves the speckle alone.
    noise_db, noise_rise_db : float
        Electronic noise at the face and its rise over 45 mm; -inf switches it off.
    clutter_scale, reverberation_scale : float
        Multiply clutter (also near field) and reverberation; 0 switches them off.
    """

    footprint_mm: float = 38.0
    depth_mm: float = 45.0
    shape_px: tuple[int, int] = (727, 800)
    line_count: int = 256
    sample_pitch_mm: float = 0.08
    frequency_mhz: float = 10.0
    axial_fwhm_mm: float = 0.22
    lateral_fwhm_mm: float = 0.55
    elevational_fwhm_mm: float = 1.0
    axial_growth_per_mm: float = 0.0015
    lateral_focus_mm: float = 18.0
    elevational_focus_mm: float = 20.0
    lateral_range_mm: float = 45.0
    elevational_range_mm: float = 25.0
    gain_db: float = 2.0
    dynamic_range_db: float = 60.0
    gamma: float = 1.15
    tgc_db: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    looks: int = 2
    smoothing: float = 0.55
    noise_db: float = -73.0
    noise_rise_db: float = 10.0
    clutter_scale: float = 1.0
    reverberation_scale: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no probe has."""
        positive = (
            *("footprint_mm", "depth_mm", "line_count", "sample_pitch_mm", "frequency_mhz"),
            *("axial_fwhm_mm", "lateral_fwhm_mm", "elevational_fwhm_mm", "lateral_range_mm"),
            *("elevational_range_mm", "dynamic_range_db", "gamma"),
        )
        for name in positive:
            if not (getattr(self, name) > 0 and np.isfinite(getattr(self, name))):
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if len(self.shape_px) != 2 or min(self.shape_px) < 8:
            raise ValueError(f"shape_px must be rows and columns >= 8, got {self.shape_px}")
        if self.looks not in (1, 2):
            raise ValueError(f"looks must be 1 or 2, got {self.looks}")
        if not 0 < self.smoothing <= 1:
            raise ValueError(f"smoothing must be in (0, 1], got {self.smoothing}")
        if self.line_count < 8 or len(self.tgc_db) < 2:
            raise ValueError(
                f"line_count must be >= 8 and tgc_db have >= 2 values, got {self.line_count} "
                f"and {self.tgc_db}"
            )

    @property
    def pixel_mm(self) -> float:
        """Return the side of the square pixels."""
        return self.depth_mm / self.shape_px[0]

    @property
    def sample_count(self) -> int:
        """Return the rows of the native grid."""
        return int(np.ceil(self.depth_mm / self.sample_pitch_mm)) + 1

    @property
    def line_pitch_mm(self) -> float:
        """Return the distance between scan lines; the outer ones are half of it inside."""
        return self.footprint_mm / self.line_count

    @property
    def T_pixel_to_image(self) -> np.ndarray:
        """Return the map from pixel (u, v, 0) to image (x, y, z) in mm, (4, 4) float64.

        Row 0 lies on the transducer face, the middle column on the axis.
        """
        side = self.pixel_mm
        T = np.diag([side, side, side, 1.0])
        T[0, 3] = -side * (self.shape_px[1] - 1) / 2
        return T

    def line_x_mm(self) -> np.ndarray:
        """Return where the scan lines leave the face, (line_count,) float64."""
        return (np.arange(self.line_count) + 0.5 - self.line_count / 2) * self.line_pitch_mm

    def sample_y_mm(self) -> np.ndarray:
        """Return the depths of the native rows, (sample_count,) float64."""
        return np.arange(self.sample_count) * self.sample_pitch_mm

    def axial_fwhm_at(self, depth_mm) -> np.ndarray:
        """Return the axial width of the point spread at given depths, mm."""
        depth_mm = np.maximum(np.asarray(depth_mm, np.float64), 0)
        return self.axial_fwhm_mm + self.axial_growth_per_mm * depth_mm

    def lateral_fwhm_at(self, depth_mm) -> np.ndarray:
        """Return the lateral width of the point spread at given depths, mm."""
        reach = (np.asarray(depth_mm) - self.lateral_focus_mm) / self.lateral_range_mm
        return self.lateral_fwhm_mm * np.sqrt(1 + reach**2)

    def elevational_fwhm_at(self, depth_mm) -> np.ndarray:
        """Return the elevational width of the point spread (slice thickness), mm."""
        reach = (np.asarray(depth_mm) - self.elevational_focus_mm) / self.elevational_range_mm
        return self.elevational_fwhm_mm * np.sqrt(1 + reach**2)

    def noise_at(self, depth_mm) -> np.ndarray:
        """Return the amplitude of electronic noise at given depths, after compensation."""
        return 10 ** ((self.noise_db + self.noise_rise_db * np.asarray(depth_mm) / 45) / 20)

    def gain_at(self, depth_mm) -> np.ndarray:
        """Return gain and the operator's slider deviation at given depths, dB."""
        nodes = np.linspace(0, self.depth_mm, len(self.tgc_db))
        return self.gain_db + np.interp(depth_mm, nodes, self.tgc_db)


def draw_settings(rng: np.random.Generator, settings: ProbeSettings | None = None):
    """Draw what differs between sessions: depth (hence pixel side), gain, sliders, noise.

    Parameters
    ----------
    rng : numpy.random.Generator
        Of the session.
    settings : ProbeSettings, optional
        The probe and the frame size; everything not drawn is kept.

    Returns
    -------
    ProbeSettings

    Notes
    -----
    Depth is one of the console's steps between 40 and 50 mm (the order's range); the other
    ranges are assumed, within those that fit real stills (SIMULATION.md A5).
    """
    settings = settings or ProbeSettings()
    return replace(
        settings,
        depth_mm=float(rng.choice([40.0, 42.5, 45.0, 47.5, 50.0])),
        gain_db=settings.gain_db + float(rng.uniform(-2.5, 2.5)),
        gamma=settings.gamma * float(rng.uniform(0.93, 1.08)),
        smoothing=float(np.clip(settings.smoothing + rng.uniform(-0.08, 0.12), 0.3, 1.0)),
        tgc_db=tuple(float(value) for value in rng.normal(0, 1.5, len(settings.tgc_db))),
        noise_rise_db=settings.noise_rise_db + float(rng.uniform(-4, 6)),
        clutter_scale=settings.clutter_scale * float(rng.uniform(0.7, 1.5)),
    )
