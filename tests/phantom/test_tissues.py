"""Tissues: properties, reflection, and what fills a point."""

import numpy as np
import pytest

from hipus.phantom.anatomy.hip import Hip
from hipus.phantom.anatomy.parameters import HipParameters
from hipus.phantom.scene import FIELDS
from hipus.phantom.tissues import PROPERTIES, Tissue, classify, reflection_coefficient


class TestProperties:
    def test_every_tissue_has_them(self):
        assert set(PROPERTIES) == set(Tissue)

    def test_impedance_by_hand(self):
        assert PROPERTIES[Tissue.MUSCLE].impedance_mrayl == pytest.approx(1090 * 1588e-6)

    def test_reflection_is_antisymmetric_and_strongest_at_air_and_bone(self):
        to_bone = reflection_coefficient(Tissue.MUSCLE, Tissue.CORTICAL_BONE)
        assert reflection_coefficient(Tissue.CORTICAL_BONE, Tissue.MUSCLE) == -to_bone
        assert reflection_coefficient(Tissue.SKIN, Tissue.AIR) < -0.99
        soft = reflection_coefficient(Tissue.MUSCLE, Tissue.FAT)
        assert abs(soft) < 0.2 < to_bone
        assert reflection_coefficient(Tissue.FAT, Tissue.FAT) == 0.0

    def test_ct_numbers_are_ordered_as_on_ct(self):
        order = [
            Tissue.AIR,
            Tissue.FAT,
            Tissue.MUSCLE,
            Tissue.HYALINE_CARTILAGE,
            Tissue.CANCELLOUS_BONE,
            Tissue.CORTICAL_BONE,
        ]
        values = [PROPERTIES[tissue].ct_hu for tissue in order]
        assert values == sorted(values)


class TestClassify:
    def test_along_the_beam_through_an_ideal_hip(self):
        hip = Hip(HipParameters(deformation_mm=0.0))
        skin = hip.shape.skin_height
        places = {
            Tissue.AIR: (skin + 1.0, 0.0, 0.0),
            Tissue.SKIN: (skin - 0.5, 0.0, 0.0),
            Tissue.FAT: (skin - 3.0, 0.0, 0.0),
            Tissue.MUSCLE: (skin - 8.0, 0.0, 0.0),
            Tissue.JOINT: (8.0 + 1.0, 0.0, -1.0),
            Tissue.HYALINE_CARTILAGE: (0.0, 0.0, 0.0),
            Tissue.CORTICAL_BONE: (0.8 - 0.4, 0.0, 18.0),
            Tissue.CANCELLOUS_BONE: (0.8 - 2.5, 0.0, 18.0),
        }
        found = classify(hip.distances(np.array(list(places.values()))))
        assert [Tissue(value) for value in found] == list(places)

    def test_priority_by_hand(self):
        # Inside capsule, head and femur at once, 2 mm deep in bone: bone wins.
        fields = np.full((len(FIELDS), 2), 9.0)
        for name in ("capsule_distance", "head_distance", "femur_distance"):
            fields[FIELDS.index(name), 0] = -2.0
        fields[FIELDS.index("labrum_distance"), 1] = -0.1
        assert classify(fields).tolist() == [Tissue.CANCELLOUS_BONE, Tissue.FIBROCARTILAGE]

    def test_wrong_number_of_fields_is_refused(self):
        with pytest.raises(
            ValueError, match=rf"fields must be \({len(FIELDS)}, ...\), got \(3, 4\)"
        ):
            classify(np.zeros((3, 4)))
