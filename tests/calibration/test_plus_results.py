import re

import numpy as np
import pytest

from hipus.calibration.plus_results import read_plus_results

POINTS = "".join(
    f'<Point WireName="{name}" Position="{10 * at} {at} 0"/>'
    for at, name in enumerate("cab")  # not in the wires' order
)
FOUND = f"""<Frame Index="0" SegmentationStatus="OK">
  <SegmentedPoints>{POINTS}</SegmentedPoints>
  <ReprojectionError3DList>
    <ReprojectionError3D WireName="b" ErrorMm="0.25"/>
  </ReprojectionError3DList>
  <TrackedFrame>
    <CustomFrameField Name="ProbeToTrackerTransform" Value="1 0 0 5 0 1 0 6 0 0 1 7 0 0 0 1"/>
    <CustomFrameField Name="ProbeToTrackerTransformStatus" Value="OK"/>
    <CustomFrameField Name="ReferenceToTrackerTransform" Value="0 -1 0 1 1 0 0 2 0 0 1 3 0 0 0 1"/>
    <CustomFrameField Name="ReferenceToTrackerTransformStatus" Value="OK"/>
  </TrackedFrame>
</Frame>"""
FAILED = '<Frame Index="1" SegmentationStatus="Failed"/>'
GOOD = f"""<ProbeCalibrationResult>
  <CalibrationResults>
    <Transform From="Image" To="Probe" Matrix="0.1 0 0 1  0 0.2 0 2  0 0 0.15 3  0 0 0 1"/>
  </CalibrationResults>
  <ErrorReport>
    <ReprojectionError3DStatistics ValidationMeanMm="0.5" ValidationStdDevMm="0.2"
      CalibrationMeanMm="0.4" CalibrationStdDevMm="0.1"/>
    <ReprojectionError2DStatistics>
      <Wire Name="a"/><Wire Name="b"/><Wire Name="c"/>
    </ReprojectionError2DStatistics>
    <ValidationData>{FOUND}</ValidationData>
    <CalibrationData>{FOUND}{FAILED}</CalibrationData>
  </ErrorReport>
</ProbeCalibrationResult>"""


@pytest.fixture
def read(tmp_path):
    def from_text(text: str):
        path = tmp_path / "fcal.xml"
        path.write_text(text)
        return read_plus_results(path)

    return from_text


class TestReading:
    def test_dots_are_sorted_by_wire(self, read):
        results = read(GOOD)
        assert results.wire_names == ("a", "b", "c")
        expected = [[10, 1], [20, 2], [0, 0]]
        np.testing.assert_array_equal(results.validation.points_px[0], expected)
        np.testing.assert_array_equal(results.validation.reprojection_mm, [[0.25]])

    def test_the_pose_is_the_probe_seen_from_the_reference(self, read):
        # Probe origin (5, 6, 7) less (1, 2, 3), turned back by 90 degrees.
        T = read(GOOD).validation.T_probe_to_reference[0]
        np.testing.assert_allclose(T[:3, 3], [4, -4, 4])
        np.testing.assert_allclose(T[:3, :3], [[0, 1, 0], [-1, 0, 0], [0, 0, 1]])

    def test_frames_it_failed_on_are_kept_as_nan(self, read):
        frames = read(GOOD).calibration
        assert len(frames.points_px) == 2
        assert frames.frames_used == 1
        assert np.isnan(frames.points_px[1]).all()
        assert np.isnan(frames.T_probe_to_reference[1]).all()

    def test_an_invalid_pose_is_nan_whatever_its_matrix(self, read):
        bad = GOOD.replace(
            'ReferenceToTrackerTransformStatus" Value="OK"',
            'ReferenceToTrackerTransformStatus" Value="INVALID"',
        )
        assert np.isnan(read(bad).validation.T_probe_to_reference).all()

    def test_printed_errors_and_matrix_are_read(self, read):
        results = read(GOOD)
        assert (results.calibration.error_mm_mean, results.calibration.error_mm_sd) == (0.4, 0.1)
        assert (results.validation.error_mm_mean, results.validation.error_mm_sd) == (0.5, 0.2)
        np.testing.assert_array_equal(results.T_pixel_to_probe[1], [0, 0.2, 0, 2])

    @pytest.mark.real
    def test_the_fcal_report_is_read(self, real_file):
        results = read_plus_results(
            real_file("plus/FreehandCalibration3NWires_fCal2.0.results.xml")
        )
        assert (len(results.calibration.points_px), results.calibration.frames_used) == (190, 184)
        assert (len(results.validation.points_px), results.validation.frames_used) == (103, 103)
        np.testing.assert_array_equal(results.validation.points_px[0, 0], [605.737, 191.888])


class TestBadFiles:
    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("</ErrorReport>", "", "not a readable PLUS XML file"),
            ("CalibrationResults>", "Results>", "no CalibrationResults/Transform element"),
            ("0 0 0.15 3", "0 0 3", "Transform Matrix must be 16 finite numbers"),
            ('<Wire Name="c"/>', "", "must list 3 wires a pattern, got 2"),
            ("ReprojectionError3DStatistics", "Statistics", "no ErrorReport/ReprojectionError3DS"),
            ("ValidationMeanMm", "Mean", "has no attribute ValidationMeanMm"),
            ("ValidationData>", "Validation>", "no ErrorReport/ValidationData element"),
            (FOUND + FAILED, "", "ErrorReport/CalibrationData has no Frame element"),
            ('<Point WireName="a"', '<Point WireName="x"', "Frame 0 lists no wire a"),
            ('3D WireName="b"', '3D WireName="c"', "Frame 0 lists no wire b"),
            ('"ProbeToTrackerTransform"', '"P"', "Frame 0 has no ProbeToTrackerTransform"),
        ],
    )
    def test_the_message_names_file_and_fault(self, read, old, new, message):
        assert old in GOOD
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            read(GOOD.replace(old, new))
        assert str(caught.value).startswith("fcal.xml: ")
