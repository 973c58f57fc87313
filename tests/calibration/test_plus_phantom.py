import re

import numpy as np
import pytest

from hipus.calibration.plus_phantom import read_phantom

GOOD = """<PlusConfiguration>
  <CoordinateDefinitions>
    <Transform From="Image" To="Probe" Matrix="2 0 0 0 0 2 0 0 0 0 2 0 0 0 0 1"/>
    <Transform From="Phantom" To="Reference"
      Matrix="
        0 -1 0 10
        1  0 0 20
        0  0 1 30
        0  0 0 1"/>
  </CoordinateDefinitions>
  <Segmentation ApproximateSpacingMmPerPixel="0.078" ClipRectangleOrigin="27 28"
    ClipRectangleSize="766 562" NumberOfMaximumFiducialPointCandidates="18"/>
  <PhantomDefinition><Geometry>
    <Pattern Type="NWire">
      <Wire Name="a" EndPointFront="0 0 10" EndPointBack="0 40 10"/>
      <Wire Name="b" EndPointFront="25 0 10" EndPointBack="5 40 10"/>
      <Wire Name="c" EndPointFront="30 0 10" EndPointBack="30 40 10"/>
    </Pattern>
    <Pattern Type="NWire">
      <Wire Name="d" EndPointFront="0 0 0" EndPointBack="0 40 0"/>
      <Wire Name="e" EndPointFront="5 0 0" EndPointBack="25 40 0"/>
      <Wire Name="f" EndPointFront="30 0 0" EndPointBack="30 40 0"/>
    </Pattern>
  </Geometry></PhantomDefinition>
</PlusConfiguration>"""


@pytest.fixture
def read(tmp_path):
    def from_text(text: str):
        path = tmp_path / "phantom.xml"
        path.write_text(text)
        return read_phantom(path)

    return from_text


class TestReading:
    def test_wires_pose_and_settings_are_read(self, read):
        phantom = read(GOOD)
        assert phantom.names == ("a", "b", "c", "d", "e", "f")
        assert phantom.pattern_count == 2
        np.testing.assert_array_equal(phantom.front_mm[1], [25, 0, 10])
        np.testing.assert_array_equal(phantom.back_mm[4], [25, 40, 0])
        np.testing.assert_array_equal(
            phantom.T_phantom_to_reference @ [1, 2, 3, 1], [10 - 2, 20 + 1, 33, 1]
        )
        settings = phantom.segmentation
        assert settings.clip_origin_px == (27, 28)
        assert settings.clip_size_px == (766, 562)
        assert settings.max_candidates == 18
        assert settings.threshold_percent == 10.0

    @pytest.mark.real
    def test_the_fcal_phantom_is_read(self, real_file):
        phantom = read_phantom(real_file("plus/PlusDeviceSet_fCal_Sim_SpatialCalibration_2.0.xml"))
        assert phantom.names[4] == "5:H3_l3"
        np.testing.assert_array_equal(phantom.back_mm[7], [40, 40, 0])
        np.testing.assert_allclose(phantom.T_phantom_to_reference[2, 3], -40.7799)


class TestBadFiles:
    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("</PlusConfiguration>", "", "not a readable PLUS XML file"),
            ("PhantomDefinition>", "Other>", "no PhantomDefinition/Geometry/Pattern element"),
            ('Type="NWire"', 'Type="CirsPhantom"', "Type must be \"NWire\", got 'CirsPhantom'"),
            ('To="Reference"', 'To="Tracker"', 'no Transform From="Phantom" To="Reference"'),
            ("Segmentation ", "Segmenter ", "no Segmentation element"),
            ("ApproximateSpacingMmPerPixel", "Spacing", "no attribute ApproximateSpacing"),
            ('"27 28"', '"27"', "ClipRectangleOrigin must be 2 finite numbers, got '27'"),
            ('"27 28"', '"27.5 28"', "ClipRectangleOrigin must be 2 whole numbers, got '27.5 28'"),
            ('Candidates="18"', 'Candidates="1.8"', "must be 1 whole numbers, got '1.8'"),
            (
                '"25 0 10"',
                '"25 zero 10"',
                "Front must be 3 finite numbers, got '25 zero 10'",
            ),
            ('"25 0 10"', '"25 nan 10"', "EndPointFront must be 3 finite numbers"),
            (' Name="e"', "", "Wire has no attribute Name"),
            ('Name="e"', 'Name="a"', "wire names must differ"),
            ('"25 0 10"', '"25 0 11"', "wires must lie in one plane"),
            ("1  0 0 20", "-1  0 0 20", "T_phantom_to_reference is a reflection"),
        ],
    )
    def test_the_message_names_file_and_fault(self, read, old, new, message):
        assert old in GOOD
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            read(GOOD.replace(old, new))
        assert str(caught.value).startswith("phantom.xml: ")

    def test_a_pattern_of_two_wires_is_refused(self, read):
        line = '      <Wire Name="c" EndPointFront="30 0 10" EndPointBack="30 40 10"/>\n'
        with pytest.raises(ValueError, match="has 3 Wire elements, got 2"):
            read(GOOD.replace(line, ""))
