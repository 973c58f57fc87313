"""Labels between voxels: half a voxel is half a voxel, whatever the axes' spacing."""

import numpy as np
import pytest

from hipus.morphometry.label_volume import LabelVolume, unit

SPACING = (1.0, 0.5, 2.0)  # z, y, x


@pytest.fixture
def block():
    """Return a block of head in x 1..5, y 3..8, z 1..4 (voxels), a voxel of ilium beside it."""
    labels = np.zeros((6, 12, 7), np.uint8)
    labels[1:5, 3:9, 1:6] = 2
    labels[0, 0, 6] = 1
    return LabelVolume(labels, SPACING)


class TestPlaces:
    def test_voxels_are_given_as_x_y_z_in_mm(self, block):
        assert block.voxels_mm(1).tolist() == [[12.0, 0.0, 0.0]]
        found = block.voxels_mm(2)
        assert len(found) == 4 * 6 * 5
        assert found.min(axis=0).tolist() == [2.0, 1.5, 1.0]
        assert found.max(axis=0).tolist() == [10.0, 4.0, 4.0]

    def test_absent_labels_have_no_voxels_and_no_share(self, block):
        assert not block.has(4)
        assert block.voxels_mm(4).shape == (0, 3)
        assert block.share(4, np.zeros((2, 3))).tolist() == [0.0, 0.0]

    def test_inside_reaches_to_the_outer_faces_of_voxels(self, block):
        points = [[0, 0, 0], [-0.9, -0.2, -0.4], [-1.1, 0, 0], [12.9, 5.7, 5.4], [12, 5.8, 0]]
        assert block.inside(points).tolist() == [True, True, False, True, False]


class TestLabelsBetweenVoxels:
    def test_the_middle_of_a_structure_keeps_its_label(self, block):
        assert block.labels_at([5.0, 2.75, 2.5]) == 2

    def test_the_boundary_lies_halfway_between_voxels(self, block):
        x, z = 6.0, 2.5
        faces = np.array([[x, 1.25, z], [x, 4.25, z]])
        np.testing.assert_allclose(block.share(2, faces), 0.5, atol=0.07)
        assert block.labels_at(faces + [0, 0.12, 0]).tolist() == [2, 0]

    def test_the_larger_share_wins_where_two_structures_meet(self):
        labels = np.ones((5, 5, 8), np.uint8)
        labels[:, :, 4:] = 2
        volume = LabelVolume(labels, (1.0, 1.0, 1.0))
        assert volume.labels_at([[3.4, 2, 2], [3.6, 2, 2]]).tolist() == [1, 2]

    def test_outside_the_volume_nothing_is_labelled(self, block):
        assert block.labels_at([[-5.0, 0, 0], [0, 0, 90.0]]).tolist() == [0, 0]

    def test_a_band_cut_by_the_edge_does_not_thin_out_there(self):
        labels = np.zeros((8, 9, 8), np.uint8)
        labels[:, 4:6, :] = 1
        volume = LabelVolume(labels, (1.0, 1.0, 1.0))
        at_edge, within = volume.share(1, [[0.0, 4.5, 4.0], [4.0, 4.5, 4.0]])
        assert at_edge == pytest.approx(within, rel=1e-5)

    def test_points_keep_their_shape(self, block):
        assert block.labels_at(np.zeros((2, 3, 3))).shape == (2, 3)
        assert block.share(2, np.zeros((4, 3))).shape == (4,)


class TestWhatIsNoVolume:
    def test_an_unknown_scheme(self):
        with pytest.raises(ValueError, match=r"scheme must be one of .*'stills'\), got 'bones'"):
            LabelVolume(np.zeros((2, 2, 2), np.uint8), SPACING, "bones")

    @pytest.mark.parametrize("labels", [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 2)),
                                        np.zeros((0, 2, 2), np.uint8)])  # fmt: skip
    def test_an_array_of_another_kind(self, labels):
        with pytest.raises(ValueError, match=r"labels must be \(D, H, W\) integer"):
            LabelVolume(labels, SPACING)

    def test_numbers_of_another_scheme(self):
        with pytest.raises(ValueError, match=r"labels must be of .* in the scheme 'stills'"):
            LabelVolume(np.full((2, 2, 2), 4, np.uint8), SPACING, "stills")

    @pytest.mark.parametrize("spacing", [(1, 1), (0.0, 1, 1), (1, 1, np.nan)])
    def test_a_spacing_that_is_none(self, spacing):
        with pytest.raises(ValueError, match="spacing_zyx_mm must be 3 positive numbers"):
            LabelVolume(np.zeros((2, 2, 2), np.uint8), spacing)


def test_unit_has_length_one():
    assert unit([3, 0, 4]).tolist() == [0.6, 0.0, 0.8]
