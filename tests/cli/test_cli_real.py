"""The numbers that the command reaches on the PLUS toolkit's public recordings."""

import numpy as np
import pytest

from hipus import images

pytestmark = pytest.mark.real


def test_spatial_calibration_is_as_accurate_as_the_toolkit_s(hipus, real_file, tmp_path):
    found = hipus(
        *("calibrate", "space"),
        real_file("plus/fCal_Test_Calibration_3NWires_fCal2.0.igs.mha"),
        real_file("plus/fCal_Test_Validation_3NWires_fCal2.0.igs.mha"),
        *("--phantom", real_file("plus/PlusDeviceSet_fCal_Sim_SpatialCalibration_2.0.xml")),
        *("-o", tmp_path / "calibration.json"),
    ).json
    assert (found["frames_used"], found["frames_total"]) == (190, 190)
    assert (found["validation_frames_used"], found["validation_frames_total"]) == (103, 103)
    assert found["validation_error_mm_mean"] <= 0.58
    assert found["validation_error_mm_mean_all"] >= found["validation_error_mm_mean"]
    assert np.shape(found["T_pixel_to_probe"]) == (4, 4)


def test_water_tank_lag_has_the_toolkit_s_sign_and_size(hipus, real_file, tmp_path):
    found = hipus(
        *("calibrate", "time"),
        real_file("plus/WaterTankBottomTranslationVideoBuffer.igs.mha"),
        real_file("plus/WaterTankBottomTranslationTrackerBuffer-trimmed.igs.mha"),
        *("-o", tmp_path / "lag.json"),
    ).json
    assert found["lag_s"] == pytest.approx(-0.0648, abs=0.002)
    assert found["second_lag_s"] == pytest.approx(0.448, abs=0.01)


def test_nearest_mean_volume_is_the_toolkit_s(hipus, real_file, tmp_path):
    target = tmp_path / "volume.mha"
    facts = hipus(
        *("reconstruct", real_file("plus/SpinePhantomFreehand.igs.mha"), "-o", target),
        *("--image-to-probe", real_file("plus/spine_NN_MEAN_05.xml"), "--spacing-mm", "0.5"),
        *("--interpolation", "nearest", "--compounding", "mean", "--clip", 0, 0, 820, 616),
    ).json
    assert (facts["frames_used"], facts["frames_left_out"], facts["frames_total"]) == (21, 0, 21)
    ours, theirs = (
        images.read(path) for path in (target, real_file("plus/spine_NN_MEAN_05_float.mha"))
    )
    assert list(ours.array.shape) == facts["shape_zyx"] == list(theirs.array.shape)
    assert ours.origin_xyz_mm == pytest.approx(theirs.origin_xyz_mm, abs=1e-3)
    np.testing.assert_allclose(ours.array, theirs.array, atol=0.01)
