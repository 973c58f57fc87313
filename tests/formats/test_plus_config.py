"""PLUS configurations: matrices over several lines, settings, and clear errors."""

import numpy as np
import pytest

from hipus.formats import plus_config

TEXT = """<PlusConfiguration version="2.1">
  <CoordinateDefinitions>
    <Transform From="Image" To="Probe"
      Matrix="
        0.1  0    0    1
        0    0.2  0   -2
        0    0    0.3  3
        0    0    0    1" Date="2011.12.06" />
    <Transform From="Phantom" To="Reference" Matrix="1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1" />
  </CoordinateDefinitions>
  <VolumeReconstruction OutputSpacing="0.5 0.25 1"
    ClipRectangleOrigin="192 16" ClipRectangleSize="420 580"
    FanAnglesDeg="-45 40" FanOriginPixel="380 20"
    FanRadiusStartPixel="120" FanRadiusStopPixel="360"
    Interpolation="LINEAR" CompoundingMode="MAXIMUM" FillHoles="ON">
    <HoleFilling>
      <HoleFillingElement Type="STICK" StickLengthLimit="9" NumberOfSticksToUse="2" />
    </HoleFilling>
  </VolumeReconstruction>
</PlusConfiguration>
"""


@pytest.fixture
def written(tmp_path):
    """Return a function that writes the configuration with one replacement."""

    def write(old="", new=""):
        assert old in TEXT
        path = tmp_path / "device.xml"
        path.write_text(TEXT.replace(old, new) if old else TEXT)
        return path

    return write


class TestTransform:
    """One matrix by the names of its frames."""

    def test_matrix_over_several_lines(self, written):
        """Row by row."""
        T = plus_config.read_transform(written(), "Image", "Probe")
        expected = [[0.1, 0, 0, 1], [0, 0.2, 0, -2], [0, 0, 0.3, 3], [0, 0, 0, 1]]
        np.testing.assert_array_equal(T, expected)

    def test_a_missing_one_names_those_there_are(self, written):
        """Direction counts."""
        message = r"device.xml: no Transform from Probe to Image; .* Image to Probe, Phantom to Ref"
        with pytest.raises(ValueError, match=message):
            plus_config.read_transform(written(), "Probe", "Image")

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("0.1  0 ", "", "device.xml: Image to Probe: Transform Matrix must be 16 finite"),
            ("0.1  0 ", "nan 0", "Matrix must be 16 finite numbers"),
            ("0.1  0 ", "one 0", "Matrix must be 16 finite numbers"),
            ("0.1  0 ", "0 0", "Matrix must be invertible, got determinant 0"),
            ("0    0    0    1", "0 0 1 1", "must end in the row 0 0 0 1"),
            ("Matrix=", "Metrix=", "Transform has no attribute Matrix"),
            ("CoordinateDefinitions", "Definitions", "no CoordinateDefinitions element"),
            ("</PlusConfiguration>", "", "device.xml: not a readable PLUS XML file"),
        ],
    )
    def test_malformed_ones(self, written, old, new, message):
        """File, element, expected, got."""
        with pytest.raises(ValueError, match=message):
            plus_config.read_transform(written(old, new), "Image", "Probe")

    def test_a_missing_file_is_named(self, tmp_path):
        """By the operating system."""
        with pytest.raises(FileNotFoundError, match="absent.xml"):
            plus_config.read_transform(tmp_path / "absent.xml", "Image", "Probe")


class TestSettings:
    """The VolumeReconstruction element."""

    def test_everything_is_read(self, written):
        """In our names."""
        assert plus_config.read_reconstruction_settings(
            written()
        ) == plus_config.ReconstructionSettings(
            spacing_xyz_mm=(0.5, 0.25, 1),
            interpolation="linear",
            compounding="maximum",
            clip_origin_px=(192, 16),
            clip_size_px=(420, 580),
            fan_angles_deg=(-45, 40),
            fan_origin_px=(380, 20),
            fan_radii_px=(120, 360),
            stick_length_limit=9,
            stick_count=2,
        )

    def test_what_is_absent_or_off_is_none(self, tmp_path):
        """Only spacing and methods are needed."""
        path = tmp_path / "short.xml"
        path.write_text(
            '<VolumeReconstruction OutputSpacing="1 1 1" Interpolation="NEAREST_NEIGHBOR"'
            ' CompoundingMode="MEAN" FillHoles="OFF"/>'
        )
        assert plus_config.read_reconstruction_settings(path) == plus_config.ReconstructionSettings(
            (1, 1, 1), "nearest", "mean"
        )

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            (
                "OutputSpacing",
                "Spacing",
                "device.xml: VolumeReconstruction has no attribute Out",
            ),
            ("0.5 0.25 1", "0.5", "OutputSpacing must be 3 finite numbers, got '0.5'"),
            ("LINEAR", "CUBIC", r"Interpolation must be one of \['LINEAR', .* got 'CUBIC'"),
            ("MAXIMUM", "IMPORTANCE_MASK", "CompoundingMode must be one of .* 'IMPORTANCE_MASK'"),
            ('"192 16"', '"192.5 16"', "ClipRectangleOrigin must be 2 whole numbers"),
            ("ClipRectangleSize", "Clip", "has no attribute ClipRectangleSize"),
            ("FanRadiusStopPixel", "Stop", "has no attribute FanRadiusStopPixel"),
            ("STICK", "GAUSSIAN", "FillHoles needs a HoleFillingElement of Type STICK, got GAUSS"),
            ('Limit="9"', 'Limit="9.5"', "StickLengthLimit must be 1 whole numbers, got '9.5'"),
            ("StickLengthLimit", "Limit", "HoleFillingElement has no attribute StickLengthLimit"),
            ("VolumeReconstruction", "Volume", "no VolumeReconstruction element"),
        ],
    )
    def test_malformed_ones(self, written, old, new, message):
        """File, element, attribute, expected, got."""
        with pytest.raises(ValueError, match=message):
            plus_config.read_reconstruction_settings(written(old, new))
