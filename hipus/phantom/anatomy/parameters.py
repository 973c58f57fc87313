"""The clinical parameters that one simulated hip is built from.

Decides which parameters there are, their units and their possible values. Deliberately holds
no population (see `population`) and no geometry (see `shape`). The parameters are what was
asked for; what a hip really measures is constructed from its surfaces in `truth`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import hypot, isfinite

SIDES = ("left", "right")

#: Possible values of each number: (lowest, highest), both included. Wider than any infant
#: where no source gives a limit (assumed); alpha outside 20-90 deg has no bony roof line.
LIMITS = {
    "alpha_deg": (20.0, 90.0),
    "alpha_anterior_deg": (20.0, 90.0),
    "alpha_posterior_deg": (20.0, 90.0),
    "beta_deg": (5.0, 120.0),
    "head_diameter_mm": (8.0, 30.0),
    "iliac_offset_mm": (-6.0, 8.0),
    "acetabular_depth_mm": (3.0, 12.0),
    "acetabular_cartilage_mm": (0.6, 4.0),
    "rim_radius_mm": (0.2, 5.0),
    "cartilage_roof_mm": (2.0, 10.0),
    "anteversion_deg": (-30.0, 80.0),
    "neck_shaft_deg": (100.0, 170.0),
    "flexion_deg": (-20.0, 110.0),
    "internal_rotation_deg": (-60.0, 60.0),
    "iliac_inclination_deg": (-30.0, 30.0),
    "nucleus_diameter_mm": (0.0, 20.0),
    "soft_tissue_mm": (5.0, 30.0),
    "deformation_mm": (0.0, 0.5),
}


@dataclass(frozen=True)
class HipParameters:
    """What one hip is asked to be; defaults are an average newborn (Graf type Ib).

    Attributes
    ----------
    side : str
        "left" or "right". A left hip is a mirrored right one.
    alpha_deg, alpha_anterior_deg, alpha_posterior_deg : float
        Graf's bony roof angle in the standard plane and in coronal sections half a head radius
        (assumed) in front of and behind it; defaults: the means of `alpha_norm_1_8wk`,
        `alpha_anterior`, `alpha_posterior` (Bone & Joint Open 2022, literature.csv).
    beta_deg : float
        Graf's cartilage roof angle. 60 is a common type Ib (assumed; Ib is > 55, Graf 2006).
    head_diameter_mm : float
        Newborn heads measure 15 to 17 mm (real stills, radius 7.4 to 8.6 mm).
    lateral_displacement_mm, superior_displacement_mm, posterior_displacement_mm : float
        Of the head's centre from the acetabulum's; 0 in a centred hip.
    iliac_offset_mm : float
        How far the iliac wing lies lateral of the acetabulum's centre; with the head it sets
        coverage. 0.8 mm gives 55 % for a centred head (Falliner 2006, neonates 55.4 %).
    acetabular_depth_mm : float
        From the lateral iliac surface medially to the lower limb of the ilium (assumed).
    acetabular_cartilage_mm : float
        Bony roof to femoral head (real stills: 1.3 to 1.9 mm).
    rim_radius_mm : float
        Rounding of the bony rim: angular in type I, rounded in II, flat in III (Graf 2006;
        the numbers are assumed).
    cartilage_roof_mm : float
        Bony rim to centre of the labrum (assumed).
    anteversion_deg, neck_shaft_deg : float
        Of the femur; at birth about 31 deg (Fabry 1973) and 137 deg (von Lanz & Wachsmuth).
    flexion_deg, internal_rotation_deg : float
        Of the thigh during scanning; Graf's lateral position, slightly flexed and turned
        in (Graf 2006; the numbers are assumed).
    iliac_inclination_deg : float
        Tilt of the pelvis in the coronal plane; positive: the upper ilium leans laterally.
    nucleus_diameter_mm : float
        Of the ossific nucleus; 0 for none, as in nearly all newborns.
    soft_tissue_mm : float
        Skin to femoral head along the lateral axis (real stills: centre 19 to 23 mm deep).
    deformation_mm : float
        SD of the smooth random deformation of everything; 0 gives the ideal shape.
    deformation_seed : int
        Which deformation.

    Raises
    ------
    ValueError
        If a value is impossible, or the head would lie outside the pelvis.
    """

    side: str = "left"
    alpha_deg: float = 62.2
    alpha_anterior_deg: float = 58.2
    alpha_posterior_deg: float = 63.8
    beta_deg: float = 60.0
    head_diameter_mm: float = 16.0
    lateral_displacement_mm: float = 0.0
    superior_displacement_mm: float = 0.0
    posterior_displacement_mm: float = 0.0
    iliac_offset_mm: float = 0.8
    acetabular_depth_mm: float = 7.5
    acetabular_cartilage_mm: float = 1.6
    rim_radius_mm: float = 0.9
    cartilage_roof_mm: float = 5.6
    anteversion_deg: float = 31.0
    neck_shaft_deg: float = 137.0
    flexion_deg: float = 20.0
    internal_rotation_deg: float = 10.0
    iliac_inclination_deg: float = 0.0
    nucleus_diameter_mm: float = 0.0
    soft_tissue_mm: float = 13.0
    deformation_mm: float = 0.15
    deformation_seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no infant could be."""
        if self.side not in SIDES:
            raise ValueError(f"side must be one of {SIDES}, got {self.side!r}")
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name != "side" and not isfinite(value):
                raise ValueError(f"{entry.name} must be a finite number, got {value}")
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must lie between {low:g} and {high:g}, got {value:g}")
        self._check_head()
        if self.deformation_seed < 0:
            raise ValueError(f"deformation_seed must be >= 0, got {self.deformation_seed}")

    def _check_head(self) -> None:
        """Refuse a head that has left the pelvis, or a nucleus larger than its head."""
        shift_mm = hypot(
            self.lateral_displacement_mm,
            self.superior_displacement_mm,
            self.posterior_displacement_mm,
        )
        if shift_mm > self.head_diameter_mm:
            raise ValueError(
                f"head outside the pelvis: displacement must be at most its diameter "
                f"({self.head_diameter_mm:g} mm), got {shift_mm:g} mm"
            )
        if self.lateral_displacement_mm < -0.5 * self.acetabular_cartilage_mm:
            raise ValueError(
                f"head inside the pelvic bone: lateral_displacement_mm must be at least "
                f"{-0.5 * self.acetabular_cartilage_mm:g}, got {self.lateral_displacement_mm:g}"
            )
        if self.nucleus_diameter_mm > 0.8 * self.head_diameter_mm:
            raise ValueError(
                f"nucleus_diameter_mm must be at most 80 % of the head's "
                f"{self.head_diameter_mm:g}, got {self.nucleus_diameter_mm:g}"
            )

    @property
    def head_radius_mm(self) -> float:
        """Half the head's diameter."""
        return self.head_diameter_mm / 2

    @property
    def section_offset_mm(self) -> float:
        """Distance of the anterior and posterior sections from the Graf plane."""
        return self.head_diameter_mm / 4
