"""The NRRD syntax of sequence files."""

import gzip

import numpy as np
import pytest
from metafile_text import COUNT, frame_fields, pixels, pose

from hipus.formats import metafile

SYNTAX = {
    "dimension": "3",
    "encoding": "gz",
    "endian": "little",
    "kinds": "domain domain                list",
    "sizes": "7 4                        3",
    "space dimension": "2",
    "space directions": "(0.3,0) (0,0.7) none",
    "space origin": "(0,0)",
    "type": "uint8",
}


def write_nrrd(folder, syntax=None, fields=None, *, payload=None, magic="NRRD0004"):
    """Write a file as older PLUS versions do; a change to None takes a line out."""
    syntax = {key: value for key, value in (SYNTAX | (syntax or {})).items() if value is not None}
    frames = {key.replace("ImageStatus", "Status"): text for key, text in frame_fields().items()}
    fields = {
        "ultrasound image orientation": "MFA",
        "ultrasound image type": "BRIGHTNESS",
        "Note": r"a:=b\\c\nd",
        **frames,
        **(fields or {}),
    }
    if payload is None:
        payload = pixels().tobytes()
        payload = gzip.compress(payload) if syntax.get("encoding") in ("gz", "gzip") else payload
    lines = [magic, "# a remark: none", *(f"{key}: {value}" for key, value in syntax.items())]
    lines += [f"{key}:={value}" for key, value in fields.items() if value is not None]
    path = folder / "made.igs.nrrd"
    path.write_bytes("\n".join([*lines, "", ""]).encode("latin-1") + payload)
    return path


class TestAGoodFile:
    @pytest.mark.parametrize("encoding", ["gz", "gzip", "GZIP", "raw"])
    def test_pixels_are_those_of_the_payload(self, tmp_path, encoding):
        payload = None if encoding != "GZIP" else gzip.compress(pixels().tobytes())
        sequence = metafile.read(write_nrrd(tmp_path, {"encoding": encoding}, payload=payload))
        np.testing.assert_array_equal(sequence.frames[:], pixels())

    def test_transforms_times_and_statuses_are_as_written(self, tmp_path):
        sequence = metafile.read(write_nrrd(tmp_path, fields={"Seq_Frame0001_Status": "INVALID"}))
        np.testing.assert_array_equal(sequence.transforms["ProbeToTracker"].matrices[1], pose(1))
        assert sequence.transforms["StylusToTracker"].status == ("INVALID",) * COUNT
        assert sequence.image_status == ("OK", "INVALID", "OK")
        assert list(sequence.time_s) == [100, 100.25, 100.5]
        assert sequence.frame_fields == {"FrameNumber": ("40", "41", "42")}

    def test_fields_in_words_are_known_and_escapes_undone(self, tmp_path):
        sequence = metafile.read(write_nrrd(tmp_path))
        assert (sequence.orientation, sequence.image_type) == ("MFA", "BRIGHTNESS")
        assert sequence.fields == {"Note": "a:=b\\c\nd"}

    def test_newer_names_of_the_same_fields_are_known(self, tmp_path):
        fields = {"ultrasound image orientation": None, "UltrasoundImageOrientation": "MN"}
        sequence = metafile.read(write_nrrd(tmp_path, fields=fields))
        np.testing.assert_array_equal(sequence.frames[:], pixels()[:, ::-1])

    @pytest.mark.parametrize(
        ("syntax", "spacing"),
        [
            ({}, (0.3, 0.7)),
            ({"space directions": "(0,3) (4,0) none"}, (3, 4)),
            ({"space directions": None, "spacings": "0.3 0.7 nan"}, (0.3, 0.7)),
            ({"space directions": None}, (1, 1)),
        ],
    )
    def test_spacing_is_the_length_of_a_step(self, tmp_path, syntax, spacing):
        assert metafile.read(write_nrrd(tmp_path, syntax)).spacing_xy == pytest.approx(spacing)


class TestABadFile:
    @pytest.mark.parametrize(
        ("syntax", "message"),
        [
            ({"type": "short"}, "type must be uint8 or .*, got 'short'"),
            ({"type": None}, "header key type is missing"),
            ({"sizes": None}, "header key sizes is missing"),
            ({"encoding": None}, "header key encoding is missing"),
            ({"encoding": "bzip2"}, "encoding must be raw or gz or gzip, got 'bzip2'"),
            ({"dimension": "4"}, "dimension must be 3, got '4'"),
            ({"sizes": "7 4 2"}, "declare 2 frames, but fields of 3"),
            ({"sizes": "7 4 x"}, "sizes must be 2 to 4 whole numbers"),
            ({"kinds": "RGB-color domain domain"}, "kinds must start with domain, got 'RGB"),
            ({"kinds": ""}, "kinds must start with domain, got ''"),
            ({"data file": "made.raw"}, "data file must be absent"),
            ({"byte skip": "-1"}, "byte skip must be 0, got '-1'"),
            ({"space directions": "(0,0) (0,1) none"}, "spacing must start with 2 positive"),
            ({"space directions": "(inf,0) (0,1) none"}, "spacing must start with 2 positive"),
            ({"space directions": "(a,0) (0,1) none"}, "space directions must be .*numbers"),
            ({"sizes": "7 5 3"}, "payload holds 84 bytes, expected 105"),
            ({"sizes": "7 3 3"}, "holds more than the declared 63 bytes"),
        ],
    )
    def test_is_refused_naming_file_field_expected_and_got(self, tmp_path, syntax, message):
        path = write_nrrd(tmp_path, syntax)
        with pytest.raises(ValueError, match=message) as caught:
            metafile.read(path)
        assert str(path) in str(caught.value)

    def test_another_kind_of_file_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="expected NRRD0001 to NRRD0005 .*, got 'PNG'"):
            metafile.read(write_nrrd(tmp_path, magic="PNG"))

    @pytest.mark.parametrize("line", ["nothing", ": value", ":=value"])
    def test_a_line_without_field_and_colon_is_refused(self, tmp_path, line):
        with pytest.raises(ValueError, match=f"header line '{line}' must be `field: value`"):
            metafile.read(write_nrrd(tmp_path, magic=f"NRRD0004\n{line}"))

    def test_a_field_stated_twice_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="header line 'type: uint8' is stated twice"):
            metafile.read(write_nrrd(tmp_path, magic="NRRD0004\ntype: uint8"))

    def test_a_cut_stream_is_refused(self, tmp_path):
        payload = gzip.compress(pixels().tobytes())[:-9]
        with pytest.raises(ValueError, match="end mark is gone|holds .* bytes, expected 84"):
            metafile.read(write_nrrd(tmp_path, payload=payload))

    def test_bytes_after_the_stream_are_refused(self, tmp_path):
        payload = gzip.compress(pixels().tobytes()) + b"more"
        with pytest.raises(ValueError, match="4 bytes follow the end"):
            metafile.read(write_nrrd(tmp_path, payload=payload))
