"""Clarius headers: units are read, nothing is guessed, one line is no YAML."""

from dataclasses import fields, replace

import numpy as np
import pytest

from hipus.formats.clarius_header import Header, read_header, write_header

TEXT = """# raw data parameters

frames: 24
frame rate: 11 Hz
transmit frequency: 10 MHz
imaging depth: 40 mm
focal depth: 1.5 cm
tgc: { 0.00mm, 23.00dB }{ 40.00mm, 26.00dB }
size: {samples per line: 784, number of lines: 3, sample size: 1 bytes}
type: B pre-scan
compression: none
sampling rate: 15 MHz
delay samples: 16
lines:
  - {rx element: 0, tx element: 0.74, angle: 0 °}
  - {rx element: 0.5, tx element: 0.74, angle: -1.25 °}
  - {rx element: 1.2, tx element: 1.74, angle: 0 °}
compound:
  {}
roi: {start line: 0, end line: 2, start sample: 0, end sample: 779}
"""


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a header of the given text."""

    def read_text(text: str) -> Header:
        path = tmp_path / "a_env.yml"
        path.write_text(text, encoding="utf-8")
        return read_header(path)

    return read_text


class TestReadHeader:
    def test_every_value_has_its_unit(self, read):
        found = read(TEXT)
        assert (found.frames, found.lines, found.samples_per_line) == (24, 3, 784)
        assert (found.frame_rate_hz, found.transmit_frequency_hz) == (11.0, 10e6)
        assert (found.imaging_depth_mm, found.focal_depth_mm) == (40.0, 15.0)
        assert (found.sampling_rate_hz, found.delay_samples) == (15e6, 16)
        assert found.line_element.tolist() == [0.0, 0.5, 1.2]
        assert found.line_angle_deg.tolist() == [0.0, -1.25, 0.0]
        assert found.data_type == "B pre-scan"

    def test_a_tgc_that_is_yaml_already_is_left_alone(self, read):
        listed = TEXT.replace("tgc: { 0.00mm, 23.00dB }{ 40.00mm", "tgc:\n  - { 40.00mm")
        assert read(listed).frames == 24

    def test_a_round_trip_keeps_every_field(self, read, tmp_path):
        found = read(TEXT)
        again = read_header(write_header(found, tmp_path / "b.yml"))
        for item in fields(Header):
            np.testing.assert_array_equal(getattr(again, item.name), getattr(found, item.name))

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("frames: 24", "frames: 2.5", "'frames' must be a whole number, got 2.5"),
            ("frames: 24", "frames: 0", r"a_env\.yml: frames must be positive, got 0"),
            ("15 MHz", "15 furlong", "'sampling rate' must be a number .*got '15 furlong'"),
            ("15 MHz", "fast", "'sampling rate' must be a number"),
            ("delay samples: 16\n", "", "'delay samples' must be a number .* got None"),
            ("compression: none", "compression: lzo", "compression must be none, got 'lzo'"),
            ("lines: 3,", "lines: 4,", r"line_element must be \(4,\), got \(3,\)"),
            ("size: {", "sizes: {", "'size' must be a dict, got None"),
            ("angle: -1.25 °", "angle: []", r"'angle' must be a number .* got \[\]"),
            ("lines:\n", "lines: 5\nother:\n", "'lines' must be a list, got 5"),
            (
                "  - {rx element: 0,",
                "  - 7\n  - {rx element: 0,",
                "must hold keys and values, got i",
            ),
            ("frames: 24", "frames: 1e999", "'frames' must be a number .*got '1e999'"),
            ("frames: 24", "frames: 1.2.3", "'frames' must be a number .*got '1.2.3'"),
            ("type: B pre-scan", "type: {a: b}", "'type' must be a text, got {'a': 'b'}"),
            ("frames: 24", "frames: 24\nframes: 25", "key 'frames' is stated twice"),
            ("frames: 24", "frames: 24\n---", "must hold one YAML document, got 2"),
            ("frames: 24", "frames: [", "is no readable YAML"),
            (TEXT, "- 1", r"a_env\.yml must hold keys and values, got list"),
            ("frames: 24", "frames: !!python/object/apply:os.getcwd []", "is no readable YAML"),
        ],
    )
    def test_a_faulty_header_names_file_and_key(self, read, old, new, message):
        assert old in TEXT
        with pytest.raises(ValueError, match=message):
            read(TEXT.replace(old, new))

    def test_a_value_of_a_million_aliases_is_cut_in_the_message(self, read):
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        for level in range(1, 7):
            lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
        with pytest.raises(ValueError, match="'size' must be a dict") as caught:
            read("\n".join([*lines, "lines: []", "size: *a6"]))
        assert len(str(caught.value)) < 1000

    def test_bytes_that_are_no_text(self, tmp_path):
        path = tmp_path / "a.yml"
        path.write_bytes(b"frames: \xff\xfe")
        with pytest.raises(ValueError, match=r"a\.yml is no readable YAML"):
            read_header(path)

    def test_a_header_of_a_size_no_header_has(self, tmp_path):
        path = tmp_path / "a.yml"
        with open(path, "wb") as stream:
            stream.truncate((1 << 24) + 1)
        with pytest.raises(ValueError, match=r"a\.yml must be <= 16777216 bytes, got 16777217"):
            read_header(path)


class TestGeometry:
    def test_samples_are_half_a_wave_path_apart(self, read):
        found = read(TEXT)
        assert found.sample_pitch_mm() == pytest.approx(1540 / (2 * 15e6) * 1e3)
        assert found.sample_pitch_mm(1480.0) == pytest.approx(0.0493333, abs=1e-6)

    def test_lines_are_apart_as_the_stated_element_pitch_says(self, read):
        assert read(TEXT).line_pitch_mm(0.3) == pytest.approx(0.18)

    def test_one_line_has_no_pitch(self, read):
        single = replace(read(TEXT), lines=1, line_element=[0.0], line_angle_deg=[0.0])
        with pytest.raises(ValueError, match="needs at least 2 lines, got 1"):
            single.line_pitch_mm(0.3)


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "depth_mm", "samples"),
    [("clarius/doppler/carotid_env.yml", 30.0, 585), ("clarius/carotid_env.yml", 40.0, 780)],
)
def test_the_sampling_rate_explains_the_imaging_depth(real_file, name, depth_mm, samples):
    # The header's own region of interest ends at this sample: an independent check of
    # "sampling rate means the stored samples, there and back, at 1540 m/s".
    found = read_header(real_file(name))
    assert found.imaging_depth_mm == depth_mm
    assert found.sample_pitch_mm() * samples == pytest.approx(depth_mm, rel=2e-3)
