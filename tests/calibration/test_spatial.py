import json

import numpy as np
import pytest
from wire_scenes import PIXEL_MM, make_scene

from hipus import geometry
from hipus.calibration import nwire, spatial
from hipus.calibration.plus_phantom import read_phantom
from hipus.calibration.plus_results import read_plus_results


class TestCalibration:
    @pytest.mark.parametrize("method", ["classic", "joint"])
    def test_frames_without_wires_or_pose_are_left_out(self, scene, method):
        points, poses = scene.points_px.copy(), scene.T_probe_to_reference.copy()
        points[5] = np.nan
        poses[[6, 7]] = np.nan
        calibration = spatial.calibrate(points, poses, scene.phantom, method=method)
        np.testing.assert_allclose(calibration.T_pixel_to_probe, scene.T_pixel_to_probe, atol=1e-7)
        assert (calibration.errors.frames_used, calibration.errors.frames_total) == (37, 40)
        assert (calibration.uncertainty is None) == (method == "classic")
        assert (calibration.outliers_per_row is None) == (method == "joint")

    def test_pixel_and_rigid_parts_multiply_to_the_whole(self, scene):
        calibration = spatial.calibrate(
            scene.points_px, scene.T_probe_to_reference, scene.phantom, method="joint"
        )
        np.testing.assert_allclose(calibration.pixel_spacing_xy_mm, PIXEL_MM, rtol=1e-8)
        scale = np.diag([*PIXEL_MM, np.mean(PIXEL_MM), 1])
        rigid = geometry.check_transform(calibration.T_image_to_probe, "T_image_to_probe")
        np.testing.assert_allclose(rigid @ scale, scene.T_pixel_to_probe, atol=1e-7)
        assert calibration.axes_angle_deg == pytest.approx(90, abs=1e-6)

    def test_an_unknown_method_is_refused(self, scene):
        with pytest.raises(ValueError, match='must be "classic" or "joint", got \'best\''):
            spatial.calibrate(
                scene.points_px, scene.T_probe_to_reference, scene.phantom, method="best"
            )

    def test_a_probe_that_never_turns_is_refused(self, phantom, rng):
        scene = make_scene(phantom, rng, turn_deg=0.0)
        with pytest.raises(ValueError, match="condition number"):
            spatial.calibrate(scene.points_px, scene.T_probe_to_reference, phantom)


class TestDifference:
    def test_a_turn_about_the_centre_moves_the_origin_alone(self, scene):
        T = scene.T_pixel_to_probe
        arm = T[:3, :3] @ [280, 235, 0]
        turn = geometry.transform([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1]])
        centre = geometry.transform(translation=geometry.apply(T, [280, 235, 0]))
        other = centre @ turn @ np.linalg.inv(centre) @ T
        off = spatial.difference(T, other, centre_px=(280, 235))
        assert off.centre_mm < 1e-9
        assert off.angle_deg == pytest.approx(np.degrees(np.arccos(0.6)))
        assert off.origin_mm == pytest.approx(np.linalg.norm(turn[:3, :3] @ arm - arm))

    def test_pixel_sizes_do_not_turn_it(self, scene):
        T = scene.T_pixel_to_probe
        off = spatial.difference(T, T @ np.diag([1.1, 0.9, 1, 1]), centre_px=(0, 0))
        assert (off.origin_mm, off.centre_mm) == (0, 0)
        assert off.angle_deg < 1e-9


class TestJson:
    def test_keys_carry_units_and_values_are_plain(self, scene, rng):
        points = scene.points_px + rng.normal(0, 1, scene.points_px.shape)
        poses = scene.T_probe_to_reference
        calibration = spatial.calibrate(points[::2], poses[::2], scene.phantom, method="joint")
        validation = spatial.evaluate(
            calibration.T_pixel_to_probe, points[1::2], poses[1::2], scene.phantom
        )
        record = json.loads(json.dumps(spatial.to_json(calibration, validation)))
        np.testing.assert_array_equal(record["T_pixel_to_probe"], calibration.T_pixel_to_probe)
        assert record["frames_used"] == record["frames_total"] == 20
        for which, errors in (("calibration", calibration.errors), ("validation", validation)):
            assert record[f"{which}_error_mm_mean"] == errors.error_mm_mean
            assert record[f"{which}_error_mm_sd"] == errors.error_mm_sd
            assert record[f"{which}_error_mm_mean_all"] == errors.error_mm_mean_all
            assert record[f"{which}_error_mm_sd_all"] == errors.error_mm_sd_all
        assert record["shift_elevational_mm_sd"] > record["shift_axial_mm_sd"]

    def test_without_validation_no_validation_error_is_claimed(self, scene):
        calibration = spatial.calibrate(scene.points_px, scene.T_probe_to_reference, scene.phantom)
        record = spatial.to_json(calibration)
        assert not [key for key in record if key.startswith("validation")]
        assert "shift_axial_mm_sd" not in record


@pytest.fixture(scope="module")
def found():
    """Return a cache of found wires, filled by the first test that needs them."""
    return {}


@pytest.fixture
def sweeps(real_file, found):
    """Return phantom and, for both fCal sweeps, the wires that we find and the poses."""
    from hipus.formats import metafile

    phantom = read_phantom(real_file("plus/PlusDeviceSet_fCal_Sim_SpatialCalibration_2.0.xml"))
    for which in ("Calibration", "Validation"):
        if which not in found:
            path = real_file(f"plus/fCal_Test_{which}_3NWires_fCal2.0.igs.mha")
            sweep = metafile.read(path).to_sweep()
            points = nwire.find_in_frames(sweep.frames, phantom).points_px
            found[which] = points, sweep.T_probe_to_reference
    return phantom, found["Calibration"], found["Validation"]


@pytest.fixture
def plus(real_file):
    return read_plus_results(real_file("plus/FreehandCalibration3NWires_fCal2.0.results.xml"))


@pytest.mark.real
class TestAgainstPlus:
    def test_its_listed_dots_give_its_matrix_and_printed_errors(self, real_file, plus):
        phantom = read_phantom(real_file("plus/PlusDeviceSet_fCal_Sim_SpatialCalibration_2.0.xml"))
        listed, unseen = plus.calibration, plus.validation
        ours = spatial.calibrate(listed.points_px, listed.T_probe_to_reference, phantom)
        # Printed to six digits: 5e-5 mm in the origin.
        np.testing.assert_allclose(ours.T_pixel_to_probe, plus.T_pixel_to_probe, atol=1e-4)
        assert ours.errors.error_mm_mean == pytest.approx(0.479116, abs=5e-5)
        assert ours.errors.error_mm_sd == pytest.approx(0.22656, abs=5e-5)
        validation = spatial.evaluate(
            ours.T_pixel_to_probe, unseen.points_px, unseen.T_probe_to_reference, phantom
        )
        assert validation.error_mm_mean == pytest.approx(0.5399, abs=5e-4)
        assert validation.error_mm_sd == pytest.approx(0.223536, abs=5e-5)
        np.testing.assert_allclose(validation.px_mean[0], [3.76608, 0.507533], atol=1e-3)
        np.testing.assert_allclose(validation.px_sd[0], [4.60637, 1.94084], atol=1e-3)
        np.testing.assert_allclose(validation.reprojection_mm, unseen.reprojection_mm, atol=5e-4)

    def test_our_own_wires_give_its_matrix(self, sweeps, plus):
        phantom, calibration, _ = sweeps
        ours = spatial.calibrate(*calibration, phantom)
        assert ours.errors.frames_used == 190
        off = spatial.difference(ours.T_pixel_to_probe, plus.T_pixel_to_probe, centre_px=(410, 308))
        assert off.origin_mm < 0.1
        assert off.centre_mm < 0.1
        assert off.angle_deg < 0.05

    def test_validation_error_is_as_small_as_its(self, sweeps):
        phantom, calibration, validation = sweeps
        ours = spatial.calibrate(*calibration, phantom)
        errors = spatial.evaluate(ours.T_pixel_to_probe, *validation, phantom)
        assert errors.frames_used == 103
        assert errors.error_mm_mean <= 0.58
        assert errors.error_mm_mean < errors.error_mm_mean_all < 0.62

    def test_the_joint_fit_brings_unseen_dots_nearer_their_wires(self, sweeps):
        phantom, calibration, validation = sweeps
        mean_mm = {}
        for method in ("classic", "joint"):
            fit = spatial.calibrate(*calibration, phantom, method=method)
            errors = spatial.evaluate(fit.T_pixel_to_probe, *validation, phantom)
            mean_mm[method] = errors.point_to_wire_mm_mean
        assert mean_mm["classic"] == pytest.approx(0.408, abs=0.01)
        assert mean_mm["joint"] == pytest.approx(0.349, abs=0.01)
