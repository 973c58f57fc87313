"""Tissues of the infant hip and their physical properties, for any imaging model.

Decides which tissues there are, their acoustic and X-ray properties, and which tissue fills a
point. Properties belong to the tissue, so that CT and radiographs see the same anatomy as
ultrasound. How an ultrasound machine displays them is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

import numpy as np

from hipus.phantom.scene import FIELDS

#: Thickness of skin and of the fat below it in a newborn's hip, mm (assumed).
SKIN_MM, FAT_MM = 1.2, 3.5
#: Thickness of the cortex that classification gives to bones, mm (assumed).
CORTEX_MM = 0.8


class Tissue(IntEnum):
    """What can fill a point."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    JOINT = 4
    HYALINE_CARTILAGE = 5
    FIBROCARTILAGE = 6
    CORTICAL_BONE = 7
    CANCELLOUS_BONE = 8


@dataclass(frozen=True)
class Properties:
    """Physical properties of one tissue.

    Attributes
    ----------
    density_kg_m3, sound_speed_m_s : float
    attenuation_db_cm_mhz : float
        At 1 MHz; grows with frequency to the power `attenuation_exponent`.
    attenuation_exponent : float
    backscatter_db : float
        Mean speckle amplitude against muscle.
    ct_hu : float
        Of a newborn on CT.
    """

    density_kg_m3: float
    sound_speed_m_s: float
    attenuation_db_cm_mhz: float
    attenuation_exponent: float
    backscatter_db: float
    ct_hu: float

    @property
    def impedance_mrayl(self) -> float:
        """Acoustic impedance, 10^6 kg / (m2 s)."""
        return self.density_kg_m3 * self.sound_speed_m_s * 1e-6


#: Densities, speeds and attenuations of soft tissue: Duck 1990 and the IT'IS database, rounded.
#: Bone: adult cortical density and speed lowered for newborns (assumed). Backscatter: measured
#: on real stills (head 10 dB below muscle, grey 39 against 82 at 60 dB); cartilage under the
#: roof alike; fat, skin, labrum, bone assumed. HU assumed from infant CT: newborn cortex is far
#: below the adult's 1500. Attenuation of air is a bound, not a measurement.
PROPERTIES: Mapping[Tissue, Properties] = MappingProxyType(
    {
        Tissue.AIR: Properties(1.2, 343.0, 40.0, 2.0, -90.0, -1000.0),
        Tissue.SKIN: Properties(1109.0, 1624.0, 1.8, 1.1, 6.0, 60.0),
        Tissue.FAT: Properties(911.0, 1440.0, 0.5, 1.1, -4.0, -90.0),
        Tissue.MUSCLE: Properties(1090.0, 1588.0, 0.6, 1.1, 0.0, 50.0),
        Tissue.JOINT: Properties(1050.0, 1560.0, 0.4, 1.1, -3.0, 35.0),
        Tissue.HYALINE_CARTILAGE: Properties(1100.0, 1640.0, 0.35, 1.2, -10.0, 90.0),
        Tissue.FIBROCARTILAGE: Properties(1110.0, 1680.0, 0.9, 1.2, 5.0, 110.0),
        Tissue.CORTICAL_BONE: Properties(1700.0, 3000.0, 12.0, 1.0, 25.0, 600.0),
        Tissue.CANCELLOUS_BONE: Properties(1250.0, 2000.0, 9.0, 1.0, 5.0, 300.0),
    }
)


def reflection_coefficient(first: Tissue, second: Tissue) -> float:
    """Return the amplitude reflected at normal incidence, -1 to 1.

    Parameters
    ----------
    first, second : Tissue
        The side the sound comes from, and the other.

    Notes
    -----
    (Z2 - Z1) / (Z2 + Z1), Z = density times speed of sound.
    """
    z1, z2 = PROPERTIES[first].impedance_mrayl, PROPERTIES[second].impedance_mrayl
    return (z2 - z1) / (z2 + z1)


def classify(fields: np.ndarray) -> np.ndarray:
    """Return which tissue fills each point.

    Parameters
    ----------
    fields : numpy.ndarray (len(FIELDS), ...)
        As in `hipus.phantom.scene.Scene.fields` or from `Hip.distances`, mm.

    Returns
    -------
    numpy.ndarray (...) uint8
        `Tissue`.

    Raises
    ------
    ValueError
        If the number of fields is wrong.

    Notes
    -----
    From lowest to highest priority: layers by depth, joint, cartilages, labrum, bones.
    """
    if len(fields) != len(FIELDS):
        raise ValueError(f"fields must be ({len(FIELDS)}, ...), got {np.shape(fields)}")
    by_name = dict(zip(FIELDS, fields, strict=True))
    depth = by_name["skin_depth"]
    tissue = np.full(depth.shape, Tissue.MUSCLE, dtype=np.uint8)
    tissue[depth < SKIN_MM + FAT_MM] = Tissue.FAT
    tissue[depth < SKIN_MM] = Tissue.SKIN
    tissue[depth < 0] = Tissue.AIR
    for name, inside in _SOFT:
        tissue[by_name[name] < 0] = inside
    for name in ("ilium", "femur", "ischium", "pubis", "nucleus"):
        distance = by_name[f"{name}_distance"]
        tissue[distance < 0] = Tissue.CORTICAL_BONE
        tissue[distance < -CORTEX_MM] = Tissue.CANCELLOUS_BONE
    return tissue


_SOFT = (
    ("capsule_distance", Tissue.JOINT),
    ("acetabular_cartilage_distance", Tissue.HYALINE_CARTILAGE),
    ("triradiate_distance", Tissue.HYALINE_CARTILAGE),
    ("head_distance", Tissue.HYALINE_CARTILAGE),
    ("labrum_distance", Tissue.FIBROCARTILAGE),
)
