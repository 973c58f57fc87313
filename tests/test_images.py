"""The border to SimpleITK: axis order, geometry, files."""

import numpy as np
import pytest
import SimpleITK as sitk

from hipus import images, rotations


@pytest.fixture
def volume(rng) -> images.Volume:
    """Return an oblique volume with three different sizes and spacings."""
    return images.Volume(
        array=rng.integers(0, 200, (3, 4, 5), dtype=np.uint8),
        spacing_zyx_mm=(1.1, 0.7, 0.3),
        origin_xyz_mm=(10.0, -20.0, 30.0),
        direction=rotations.from_euler([30, -20, 10], "ZYX"),
    )


class TestAxisOrder:
    def test_array_is_zyx_and_simpleitk_xyz(self, volume):
        image = images.to_sitk(volume)
        assert image.GetSize() == (5, 4, 3)
        assert image.GetSpacing() == pytest.approx((0.3, 0.7, 1.1))
        assert image.GetPixel(4, 2, 1) == volume.array[1, 2, 4]

    def test_a_voxel_lies_where_its_index_spacing_and_direction_say(self, volume):
        image = images.to_sitk(volume)
        offset_mm = volume.direction @ np.array([4 * 0.3, 2 * 0.7, 1 * 1.1])
        point = image.TransformIndexToPhysicalPoint((4, 2, 1))
        assert point == pytest.approx(np.array([10.0, -20, 30]) + offset_mm)

    def test_back_and_forth_changes_nothing(self, volume):
        back = images.from_sitk(images.to_sitk(volume))
        assert np.array_equal(back.array, volume.array)
        assert back.spacing_zyx_mm == pytest.approx(volume.spacing_zyx_mm)
        assert back.origin_xyz_mm == pytest.approx(volume.origin_xyz_mm)
        assert back.direction == pytest.approx(volume.direction)

    def test_masks_become_bytes(self, volume):
        mask = images.Volume(volume.array > 100, volume.spacing_zyx_mm)
        image = images.to_sitk(mask)
        assert image.GetPixelID() == sitk.sitkUInt8
        assert sitk.GetArrayFromImage(image).sum() == mask.array.sum()


class TestFiles:
    @pytest.mark.parametrize("suffix", [".mha", ".nii.gz", ".nii", ".nrrd"])
    def test_round_trip_through_each_format(self, tmp_path, volume, suffix):
        path = images.write(volume, tmp_path / "new" / f"volume{suffix}")
        assert [file.name for file in path.parent.iterdir()] == [path.name]
        back = images.read(path)
        assert np.array_equal(back.array, volume.array)
        # NIfTI stores geometry in single precision.
        assert back.spacing_zyx_mm == pytest.approx(volume.spacing_zyx_mm, rel=1e-6)
        assert back.origin_xyz_mm == pytest.approx(volume.origin_xyz_mm, rel=1e-5)
        assert back.direction == pytest.approx(volume.direction, abs=1e-6)

    @pytest.mark.parametrize("name", ["volume.mhd", "volume.jpg", "volume"])
    def test_pairs_and_unknown_suffixes_are_refused_before_writing(self, tmp_path, volume, name):
        with pytest.raises(ValueError, match=f"{name} must end in one of .mha, .nii.gz"):
            images.write(volume, tmp_path / name)
        assert list(tmp_path.iterdir()) == []

    def test_unwritable_place_is_named(self, tmp_path, volume):
        (tmp_path / "file").write_text("")
        with pytest.raises(OSError, match="cannot write .*volume.mha"):
            images.write(volume, tmp_path / "file" / "volume.mha")

    def test_missing_file_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="absent.mha is missing"):
            images.read(tmp_path / "absent.mha")

    def test_truncated_file_is_an_error_with_its_reason(self, tmp_path, volume):
        path = images.write(volume, tmp_path / "volume.mha")
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(ValueError, match="volume.mha cannot be read as a volume: ."):
            images.read(path)

    @pytest.mark.parametrize(
        ("name", "header"),
        [
            (
                "v.mha",
                "ObjectType = Image\nNDims = 3\nDimSize = 2 2 1\nElementType = MET_UCHAR\n"
                "ElementDataFile = secret.txt\n",
            ),
            (
                "v.nrrd",
                "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 2 2 1\nencoding: raw\n"
                "data file: secret.txt\n\n",
            ),
        ],
    )
    def test_voxels_in_another_file_are_refused(self, tmp_path, name, header):
        (tmp_path / "secret.txt").write_text("abcdefgh")
        (tmp_path / name).write_text(header)
        with pytest.raises(
            ValueError, match=rf"{name}: voxels must be in the .* not in 'secret.txt'"
        ):
            images.read(tmp_path / name)

    def test_a_pair_is_refused_on_reading_too(self, tmp_path):
        (tmp_path / "v.mhd").write_text("")
        with pytest.raises(ValueError, match=r"v.mhd must end in one of .mha"):
            images.read(tmp_path / "v.mhd")


class TestRefusals:
    @pytest.mark.parametrize(
        ("place", "fault"),
        [
            ({"origin_xyz_mm": (0, np.nan, 0)}, "origin_xyz_mm must be 3 finite numbers, got"),
            ({"origin_xyz_mm": (0, 0)}, "origin_xyz_mm must be 3 finite numbers, got"),
            ({"direction": np.diag([1, 1, 2])}, "direction must be 3 orthogonal unit columns"),
            ({"direction": np.zeros((3, 3))}, "direction must be 3 orthogonal unit columns"),
        ],
    )
    def test_a_place_that_is_none_is_refused(self, place, fault):
        with pytest.raises(ValueError, match=fault):
            images.Volume(np.zeros((2, 2, 2)), (1, 1, 1), **place)

    def test_a_volume_of_nothing_is_refused(self):
        with pytest.raises(ValueError, match=r"none of them 0, got \(0, 4, 5\)"):
            images.Volume(np.zeros((0, 4, 5)), (1, 1, 1))

    def test_a_type_that_no_file_holds_is_refused(self, tmp_path):
        halves = images.Volume(np.zeros((2, 2, 2), np.float16), (1, 1, 1))
        with pytest.raises(ValueError, match="of a type that files hold, got float16"):
            images.write(halves, tmp_path / "v.mha")
        assert list(tmp_path.iterdir()) == []

    def test_plane_is_no_volume(self):
        with pytest.raises(ValueError, match=r"volume must be \(D, H, W\), .* got \(4, 5\)"):
            images.Volume(np.zeros((4, 5)), (1, 1, 1))

    @pytest.mark.parametrize("spacing", [(0.0, 1, 1), (1, 1), (1, -1, 1), (1, np.nan, 1)])
    def test_spacing_must_be_three_positive_numbers(self, spacing):
        with pytest.raises(ValueError, match="spacing_zyx_mm must be 3 positive numbers, got"):
            images.Volume(np.zeros((2, 2, 2)), spacing)

    @pytest.mark.parametrize(
        "image", [sitk.Image(4, 5, sitk.sitkUInt8), sitk.Image([2, 2, 2], sitk.sitkVectorUInt8, 3)]
    )
    def test_planes_and_colours_are_refused(self, image):
        with pytest.raises(ValueError, match="image must be 3D with 1 component, got [23]D"):
            images.from_sitk(image)
