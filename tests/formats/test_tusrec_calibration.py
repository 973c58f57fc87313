"""calib_matrix.csv: titles, scale, rigid motion, and pixels that count from 1."""

import numpy as np
import pytest

from hipus import geometry, rotations
from hipus.formats import tusrec_calibration as calibration

SCALE = np.diag([0.23, 0.22, 1.0, 1.0])
RIGID = geometry.transform(rotations.from_euler([20.0, -10.0, 35.0], "ZYX"), [12.5, -3.25, 117.0])


def text(scale=SCALE, rigid=RIGID, *, titles=(calibration.SCALE_NAME, calibration.RIGID_NAME)):
    lines = []
    for title, matrix in zip(titles, (scale, rigid), strict=True):
        lines += [title, *(",".join(f"{value:.12g}" for value in row) for row in matrix)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a calibration file of the given text."""

    def read_text(content: str):
        path = tmp_path / "calib_matrix.csv"
        path.write_text(content)
        return calibration.read_calibration(path)

    return read_text


class TestReadCalibration:
    def test_both_matrices_come_back(self, read):
        found = read(text())
        np.testing.assert_allclose(found.T_pixel1_to_image, SCALE, atol=1e-12)
        np.testing.assert_allclose(found.T_image_to_tool, RIGID, atol=1e-10)

    def test_our_first_pixel_is_their_pixel_one_one(self, read):
        found = read(text()).T_pixel_to_probe
        theirs = RIGID @ SCALE @ [1.0, 1.0, 0.0, 1.0]
        np.testing.assert_allclose(found @ [0, 0, 0, 1], theirs, atol=1e-10)
        np.testing.assert_allclose(
            found @ [639, 479, 0, 1], RIGID @ SCALE @ [640, 480, 0, 1], atol=1e-9
        )

    def test_blocks_may_come_in_any_order_with_blank_lines_and_spaces(self, read):
        scale, rigid = text().splitlines()[:5], text().splitlines()[5:]
        found = read("\ufeff" + "\r\n".join([*rigid, "", *scale, " , ,"]).replace(",", ", "))
        np.testing.assert_allclose(found.T_pixel1_to_image, SCALE, atol=1e-12)
        np.testing.assert_allclose(found.T_image_to_tool, RIGID, atol=1e-10)

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="no such calibration file"):
            calibration.read_calibration(tmp_path / "absent.csv")

    @pytest.mark.parametrize("content", [b"\xff\xfe\xfa", b'"' + b"1" * 200_000])
    def test_a_file_that_is_no_csv_is_named(self, tmp_path, content):
        (tmp_path / "calib.csv").write_bytes(content)
        with pytest.raises(ValueError, match=r"calib\.csv is no readable CSV: "):
            calibration.read_calibration(tmp_path / "calib.csv")

    def test_a_missing_block_is_named(self, read):
        with pytest.raises(ValueError, match=r"calib_matrix\.csv must hold the block 'spatial_"):
            read("\n".join(text().splitlines()[:5]))

    @pytest.mark.parametrize("fault", ["drop row", "word", "short row"])
    def test_a_malformed_block_is_refused(self, read, fault):
        lines = text().splitlines()
        if fault == "drop row":
            del lines[4]
        elif fault == "word":
            lines[2] = "0,nought,0,0"
        else:
            lines[2] = "0,0.22,0"
        with pytest.raises(ValueError, match=f"{calibration.SCALE_NAME} must be 4 rows of 4"):
            read("\n".join(lines))

    @pytest.mark.parametrize("scale", [np.diag([-0.2, 0.2, 1, 1]), SCALE + np.eye(4, k=1) * 0.1])
    def test_a_scale_that_is_none_is_refused(self, read, scale):
        with pytest.raises(ValueError, match="must be a positive diagonal"):
            read(text(scale=scale))

    def test_a_reflected_calibration_is_diagnosed(self, read):
        with pytest.raises(ValueError, match=r"calib_matrix\.csv: spatial_.* is a reflection"):
            read(text(rigid=RIGID @ np.diag([1.0, 1.0, -1.0, 1.0])))


class TestWriteCalibration:
    def test_an_anisotropic_transform_survives_the_round_trip(self, tmp_path):
        T = RIGID @ np.diag([0.3, 0.7, 1.1, 1.0])
        path = calibration.write_calibration(T, tmp_path / "calib_matrix.csv")
        found = calibration.read_calibration(path)
        np.testing.assert_allclose(found.T_pixel_to_probe, T, atol=1e-12)
        np.testing.assert_allclose(np.diag(found.T_pixel1_to_image), [0.3, 0.7, 1.1, 1.0])

    def test_the_fixed_line_numbers_of_the_challenges_code_hold(self, tmp_path):
        path = calibration.write_calibration(RIGID @ SCALE, tmp_path / "c.csv")
        lines = path.read_text().splitlines()
        assert (lines[0], lines[5]) == (calibration.SCALE_NAME, calibration.RIGID_NAME)
        scale = np.array([row.split(",") for row in lines[1:5]], float)
        rigid = np.array([row.split(",") for row in lines[6:10]], float)
        np.testing.assert_allclose(rigid @ scale @ [1, 1, 0, 1], RIGID @ SCALE @ [0, 0, 0, 1])

    def test_a_sheared_transform_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="T_pixel_to_probe without scale is sheared"):
            calibration.write_calibration(np.eye(4) + 0.5 * np.eye(4, k=1), tmp_path / "c.csv")
        assert list(tmp_path.iterdir()) == []

    def test_a_flat_transform_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="columns of length > 0, got"):
            calibration.write_calibration(np.diag([1.0, 1.0, 0.0, 1.0]), tmp_path / "c.csv")
