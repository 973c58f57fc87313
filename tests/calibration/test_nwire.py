import logging

import numpy as np
import pytest
from wire_scenes import SHAPE, draw, make_phantom, make_scene

from hipus.calibration.nwire import find_in_frames, find_wires
from hipus.calibration.plus_phantom import read_phantom
from hipus.calibration.plus_results import read_plus_results


def off_px(finding, points_px):
    return np.linalg.norm(finding.points_px - points_px, axis=-1).max()


class TestFinding:
    def test_wires_are_found_within_a_third_of_a_pixel(self, scene):
        for points in scene.points_px[:12]:
            finding = find_wires(draw(points), scene.phantom)
            assert finding.is_found, finding.reason
            assert off_px(finding, points) < 0.3

    def test_speckle_and_stray_dots_do_not_mislead(self, scene, rng):
        for points in scene.points_px[:8]:
            stray = np.concatenate([points, [[60.2, 400.0], [290.0, 440.5], [500.0, 60.0]]])
            frame = draw(stray, rng=rng, speckle=12.0, peak=[200] * 9 + [230] * 3)
            finding = find_wires(frame, scene.phantom)
            assert finding.is_found, finding.reason
            assert off_px(finding, points) < 1.0

    def test_a_faint_wire_is_found(self, scene):
        points = scene.points_px[3]
        finding = find_wires(draw(points, peak=[220] * 6 + [14] + [220] * 2), scene.phantom)
        assert off_px(finding, points) < 0.3

    def test_a_slanted_image_is_found(self, phantom, rng):
        scene = make_scene(phantom, rng, count=6, turn_deg=9.0)
        findings = [find_wires(draw(points), phantom) for points in scene.points_px]
        assert [finding.reason for finding in findings] == [""] * 6


class TestNaming:
    def test_a_mirrored_image_gets_the_right_names(self, scene):
        points = scene.points_px[0]
        finding = find_wires(draw(points)[:, ::-1], scene.phantom)
        assert off_px(finding, [SHAPE[1] - 1, 0] + [-1, 1] * points) < 0.3

    def test_an_image_upside_down_gets_the_right_names(self, scene):
        points = scene.points_px[0]
        finding = find_wires(draw(points)[::-1], scene.phantom)
        assert off_px(finding, [0, SHAPE[0] - 1] + [1, -1] * points) < 0.3

    def test_two_namings_that_fit_alike_are_refused(self, rng):
        front, back = [[10, 13, 36]] * 3, [[10, 33, 36]] * 3
        scene = make_scene(make_phantom(front, back), rng, count=1, turn_deg=0.0)
        finding = find_wires(draw(scene.points_px[0]), scene.phantom)
        assert finding.reason == "two namings of the wires fit alike"
        assert np.isnan(finding.points_px).all()


class TestNotFound:
    def test_a_blank_frame_says_so(self, phantom):
        finding = find_wires(np.zeros(SHAPE, np.uint8), phantom)
        assert finding.reason == "0 bright dots, 9 wires"
        assert not finding.is_found

    def test_a_missing_wire_is_never_made_up(self, scene):
        finding = find_wires(draw(np.delete(scene.points_px[0], 4, axis=0)), scene.phantom)
        assert finding.reason == "8 bright dots, 9 wires"

    def test_dots_on_no_lines_say_so(self, phantom):
        angle = np.linspace(0, 2 * np.pi, 10)[:-1]
        ring = np.stack([280 + 200 * np.cos(angle), 235 + 200 * np.sin(angle)], axis=1)
        finding = find_wires(draw(ring), phantom)
        assert finding.reason == "0 lines of three dots, 3 layers"

    def test_layers_too_close_say_so(self, scene):
        points = scene.points_px[0] + np.repeat([0.0, 0, -60], 3)[:, None] * [0, 1]
        finding = find_wires(draw(points), scene.phantom)
        assert finding.reason.startswith("no 3 of ")

    def test_dots_unlike_the_phantom_say_so(self, scene):
        points = scene.points_px[0].copy()
        points[6:] -= [45.0, 0.0]
        finding = find_wires(draw(points), scene.phantom)
        assert finding.reason.startswith("dots unlike the phantom")
        assert finding.misfit > 3


class TestStacksOfFrames:
    def test_every_frame_is_reported_and_failures_are_counted(self, scene, caplog):
        frames = np.stack([draw(points) for points in scene.points_px[:5]])
        frames[2] = 0
        with caplog.at_level(logging.WARNING):
            findings = find_in_frames(frames, scene.phantom, block=2)
        np.testing.assert_array_equal(findings.is_found, [True, True, False, True, True])
        np.testing.assert_array_equal(np.isnan(findings.points_px[2]), True)
        assert np.nanmax(np.abs(findings.points_px - scene.points_px[:5])) < 0.3
        assert "wires found in 4 of 5 frames: 0 bright dots, 9 wires" in caplog.text

    def test_no_frames_are_refused(self, phantom):
        with pytest.raises(ValueError, match="at least one frame, got 0"):
            find_in_frames(np.zeros((0, 90, 90), np.uint8), phantom)


@pytest.mark.real
@pytest.mark.parametrize(("which", "count"), [("Calibration", 190), ("Validation", 103)])
def test_all_wires_of_the_fcal_sweeps_are_found_where_plus_sees_them(real_file, which, count):
    from hipus.formats import metafile

    phantom = read_phantom(real_file("plus/PlusDeviceSet_fCal_Sim_SpatialCalibration_2.0.xml"))
    results = read_plus_results(real_file("plus/FreehandCalibration3NWires_fCal2.0.results.xml"))
    sequence = metafile.read(real_file(f"plus/fCal_Test_{which}_3NWires_fCal2.0.igs.mha"))
    findings = find_in_frames(sequence.frames, phantom)
    assert len(findings.reasons) == count
    assert findings.is_found.all()
    listed = getattr(results, which.lower()).points_px
    off = np.linalg.norm(findings.points_px - listed, axis=-1)
    assert np.nanmedian(off) < 0.1
    assert np.nanpercentile(off, 99) < 1.0
    assert np.nanmax(off) < 5.0
