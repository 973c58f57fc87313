"""The bony roof in one coronal section, and the angle it will be given.

Decides the section's outline: a concave arc between a rounded rim and a rounded lower limb,
and which tilt of that arc gives an asked alpha. Truth is not taken from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import acos, atan2, cos, pi, radians, sin, sqrt

import numpy as np

#: Radius of the roof in the coronal plane over that of the acetabular sphere (assumed): the
#: roof is nearly straight on Graf planes, with a slight hollow.
ROOF_RADIUS_RATIO = 2.5
#: Rounding of the lower limb of the ilium, mm (assumed).
LIMB_RADIUS_MM = 0.8
#: Curvature radius of the lateral iliac surface from front to back, mm (assumed).
WING_RADIUS_MM = 45.0


@dataclass(frozen=True)
class RoofProfile:
    """The bony roof's outline in coronal sections.

    Attributes
    ----------
    socket_radius_mm : float
        Of the acetabular sphere of bone.
    iliac_offset_mm, depth_mm, rim_radius_mm : float
        As in `HipParameters`.
    """

    socket_radius_mm: float
    iliac_offset_mm: float
    depth_mm: float
    rim_radius_mm: float

    @property
    def shift_mm(self) -> float:
        """Distance of the roof arc's centre from the acetabulum's."""
        return (ROOF_RADIUS_RATIO - 1.0) * self.socket_radius_mm

    def arc_radius_mm(self, section_mm: float) -> float:
        """Return the arc's radius in the section `section_mm` behind the Graf plane."""
        return self.shift_mm + sqrt(self.socket_radius_mm**2 - section_mm**2)

    def wing_mm(self, section_mm: float) -> float:
        """Return how far lateral the iliac wing lies in a section."""
        return self.iliac_offset_mm - section_mm**2 / (2.0 * WING_RADIUS_MM)

    def limb_t_mm(self, tilt_rad: float) -> float:
        """Return where the roof ends in the Graf plane, along the roof from its middle."""
        lateral = self.iliac_offset_mm - self.depth_mm
        reach = self.arc_radius_mm(0.0)
        # On the arc: lateral = (shift - reach cos phi) cos tilt - reach sin phi sin tilt.
        phi = tilt_rad + acos((self.shift_mm * cos(tilt_rad) - lateral) / reach)
        phi_other = tilt_rad - acos((self.shift_mm * cos(tilt_rad) - lateral) / reach)
        return reach * sin(min(phi, phi_other, key=abs))

    def rim_xz_mm(self, tilt_rad: float, section_mm: float, *, inset_mm: float) -> np.ndarray:
        """Return (lateral, superior) of the rim's corner, inset into the bone on both faces."""
        lateral = self.wing_mm(section_mm) - inset_mm
        reach = self.arc_radius_mm(section_mm) + inset_mm
        across = lateral - self.shift_mm * cos(tilt_rad)
        superior = -self.shift_mm * sin(tilt_rad) + sqrt(reach**2 - across**2)
        return np.array([lateral, superior])

    def limb_xz_mm(self, tilt_rad: float, section_mm: float, limb_t_mm: float) -> np.ndarray:
        """Return (lateral, superior) of the axis of the lower limb's rounding."""
        t = limb_t_mm - LIMB_RADIUS_MM
        reach = self.arc_radius_mm(section_mm) + LIMB_RADIUS_MM
        n = self.shift_mm - sqrt(reach**2 - t**2)
        return np.array(
            [n * cos(tilt_rad) - t * sin(tilt_rad), -n * sin(tilt_rad) - t * cos(tilt_rad)]
        )

    def alpha_rad(self, tilt_rad: float, section_mm: float, limb_t_mm: float) -> float:
        """Return the angle of the line that touches both roundings from the joint's side."""
        rim = self.rim_xz_mm(tilt_rad, section_mm, inset_mm=self.rim_radius_mm)
        across = self.limb_xz_mm(tilt_rad, section_mm, limb_t_mm) - rim
        lean = acos((self.rim_radius_mm - LIMB_RADIUS_MM) / float(np.hypot(*across)))
        return (-atan2(across[1], across[0]) - lean) % (2 * pi)

    def tilt_rad(self, alpha_deg: float, section_mm: float, limb_t_mm: float | None) -> float:
        """Return the tilt of the arc that gives `alpha_deg` in a section.

        Parameters
        ----------
        alpha_deg : float
            Asked angle.
        section_mm : float
            Distance behind the Graf plane.
        limb_t_mm : float or None
            Where the roof ends; None derives it from the depth (Graf plane only).
        """
        tilt = radians(alpha_deg)
        for _ in range(60):
            limb = self.limb_t_mm(tilt) if limb_t_mm is None else limb_t_mm
            tilt += 0.7 * (radians(alpha_deg) - self.alpha_rad(tilt, section_mm, limb))
        return tilt
