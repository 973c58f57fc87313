"""What `metafile.write` puts on disk, and that it comes back."""

import os
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from metafile_text import COUNT, assert_same_sequence, pixels, pose, row, write_mha

from hipus.formats import metafile
from hipus.formats import pixels as pixel_io
from hipus.formats.payload import ZLIB

NAMES = ["copy.igs.mha", "copy.igs.mhd", "copy.igs.nrrd", "copy.mha", "copy.NRRD"]

QUIRKS = {
    "Seq_Frame0001_ProbeToTrackerTransform": None,
    "Seq_Frame0001_ProbeToTrackerTransformStatus": "OUT_OF_VIEW",
    "Seq_Frame0002_ReferenceToTrackerTransformStatus": None,
    "Seq_Frame0000_StylusToTrackerTransform": row(np.full((4, 4), 1 / 3)),
    "Seq_Frame0000_Stylus": "1 0 0",
    "Seq_Frame0002_ImageStatus": None,
    "Seq_Frame0001_ImageStatus": "INVALID",
    "Note on x": r"a back\slash, a \n, a = b : c, Zürich",
    "Empty": "",
}


@pytest.fixture
def sequence(tmp_path):
    """Return a sequence with every irregularity a file may have."""
    folder = tmp_path / "source"
    folder.mkdir()
    return metafile.read(write_mha(folder, QUIRKS, compressed=True))


class TestRoundTrip:
    @pytest.mark.parametrize("compressed", [False, True])
    @pytest.mark.parametrize("name", NAMES)
    def test_everything_comes_back(self, tmp_path, sequence, name, compressed):
        path = metafile.write(tmp_path / name, sequence, compressed=compressed)
        assert_same_sequence(metafile.read(path), sequence)

    def test_through_all_formats_in_turn(self, tmp_path, sequence):
        copy = sequence
        for name in NAMES:
            copy = metafile.read(metafile.write(tmp_path / name, copy))
        assert_same_sequence(copy, sequence)

    @pytest.mark.parametrize("name", NAMES[:3])
    @pytest.mark.parametrize("side", [0, 1])
    def test_a_tracker_log_comes_back(self, tmp_path, name, side):
        changes = {"UltrasoundImageOrientation": "XX", "UltrasoundImageType": "XX"}
        log = metafile.read(write_mha(tmp_path, changes, height=side, width=side))
        copy = metafile.read(metafile.write(tmp_path / name, log))
        assert copy.frames.shape == (COUNT, side, side)
        assert_same_sequence(copy, log)

    @pytest.mark.parametrize("letters", ["MN", "FMA", "UF", "NU"])
    @pytest.mark.parametrize("name", NAMES[:3])
    def test_a_turned_image_is_written_as_mf(self, tmp_path, name, letters):
        turned = metafile.read(write_mha(tmp_path, {"UltrasoundImageOrientation": letters}))
        copy = metafile.read(metafile.write(tmp_path / name, turned))
        assert copy.stored_orientation == "MF" + letters[2:]
        assert_same_sequence(copy, turned)

    def test_a_file_may_be_replaced_by_itself(self, tmp_path, sequence):
        path = metafile.write(tmp_path / "self.igs.mhd", sequence, compressed=False)
        metafile.write(path, metafile.read(path), compressed=False)
        assert_same_sequence(metafile.read(path), sequence)

    def test_nrrd_keeps_a_frame_field_called_status(self, tmp_path, sequence):
        named = replace(sequence, frame_fields={"Status": ("a", "b", "c")})
        copy = metafile.read(metafile.write(tmp_path / "copy.nrrd", named))
        assert_same_sequence(copy, named)

    def test_frames_may_be_an_array(self, tmp_path, sequence):
        held = replace(sequence, frames=pixels())
        assert_same_sequence(metafile.read(metafile.write(tmp_path / "a.mha", held)), sequence)


class TestOtherReaders:
    @pytest.mark.parametrize("compressed", [False, True])
    @pytest.mark.parametrize("name", NAMES[:3])
    def test_simpleitk_sees_the_same_pixels(self, tmp_path, sequence, name, compressed):
        path = metafile.write(tmp_path / name, sequence, compressed=compressed)
        image = sitk.ReadImage(str(path))
        seen = sitk.GetArrayFromImage(image)
        # ITK takes the list axis of a NRRD file for the components of a 2D image.
        seen = np.moveaxis(seen, -1, 0) if name.endswith("nrrd") else seen
        np.testing.assert_array_equal(seen, pixels())
        assert image.GetSpacing()[:2] == pytest.approx((0.3, 0.7))

    def test_our_reader_sees_the_pixels_that_simpleitk_compressed(self, tmp_path, sequence):
        path = tmp_path / "itk.mha"
        sitk.WriteImage(sitk.GetImageFromArray(pixels()), str(path), True)
        text = path.read_bytes()
        fields = b"UltrasoundImageOrientation = MF\n" + b"".join(
            b"Seq_Frame%04d_Timestamp = %d\n" % (index, index) for index in range(COUNT)
        )
        path.write_bytes(text.replace(b"ElementDataFile", fields + b"ElementDataFile", 1))
        np.testing.assert_array_equal(metafile.read(path).frames[:], pixels())


class TestTheFiles:
    def test_the_compressed_size_is_padded_and_true(self, tmp_path, sequence):
        path = metafile.write(tmp_path / "a.mha", sequence)
        head, _, payload = path.read_bytes().partition(b"ElementDataFile = LOCAL\n")
        line = next(x for x in head.decode().splitlines() if x.startswith("CompressedDataSize"))
        assert line == f"CompressedDataSize = {len(payload):<20d}"

    @pytest.mark.parametrize(("compressed", "ending"), [(True, ".zraw"), (False, ".raw")])
    def test_mhd_names_the_pixel_file_beside_it(self, tmp_path, sequence, compressed, ending):
        path = metafile.write(tmp_path / "out" / "a.igs.mhd", sequence, compressed=compressed)
        assert sorted(os.listdir(path.parent)) == ["a.igs.mhd", f"a.igs{ending}"]
        assert path.read_text().endswith(f"ElementDataFile = a.igs{ending}\n")

    def test_lines_stay_within_what_plus_reads(self, tmp_path, sequence):
        path = metafile.write(tmp_path / "a.mhd", sequence)
        assert max(len(line) for line in path.read_text().splitlines()) < 1000

    @pytest.mark.parametrize("name", NAMES[:3])
    @pytest.mark.parametrize("failing_frame", [0, 2])
    def test_nothing_is_left_when_frames_fail(self, tmp_path, sequence, name, failing_frame):
        out = tmp_path / "out"
        metafile.write(out / name, sequence)
        before = {file.name: file.read_bytes() for file in out.iterdir()}
        broken = replace(sequence, frames=Broken(failing_frame))
        with pytest.raises(OSError, match="the disk is gone"):
            metafile.write(out / name, broken)
        assert {file.name: file.read_bytes() for file in out.iterdir()} == before

    def test_an_unwritable_place_is_named(self, tmp_path, sequence):
        (tmp_path / "file").write_text("")
        with pytest.raises(OSError, match="cannot write .*a.mha"):
            metafile.write(tmp_path / "file" / "a.mha", sequence)


class Broken:
    """Frames of which one cannot be read."""

    shape = (COUNT, 4, 7)
    dtype = np.dtype(np.uint8)

    def __init__(self, failing_frame):
        self.failing_frame = failing_frame

    def __getitem__(self, key):
        if key.start <= self.failing_frame < key.stop:
            raise OSError("the disk is gone")
        return pixels()[key]


class TestRefusals:
    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"Two\nlines": "x"}, "field name must be one line"),
            ({"a=b": "x"}, "field name must be one line without '=', got 'a=b'"),
            ({"": "x"}, "field name must be one line"),
            ({" a": "x"}, "field name must be one line"),
            ({"a ": "x"}, "field name must be one line"),
            ({"a": "x\ny"}, "field a must be one line without outer blanks"),
            ({"a": " x"}, "field a must be one line without outer blanks, got ' x'"),
            ({"DimSize": "1 1 1"}, "field 'DimSize' has the name of a MetaImage key"),
            ({"Seq_Frame0000_Note": "x"}, "header field Seq_Frame0000_Note has the name of"),
            ({"UltrasoundImageType": "x"}, "header field UltrasoundImageType has the name of"),
        ],
    )
    def test_a_field_that_would_not_come_back(self, tmp_path, sequence, fields, message):
        with pytest.raises(ValueError, match=message):
            metafile.write(tmp_path / "a.mha", replace(sequence, fields=fields))
        assert not (tmp_path / "a.mha").exists()

    @pytest.mark.parametrize(
        ("key", "message"),
        [("a:b", "one line without ':', got 'a:b'"), ("#a", "must not start with #.*got '#a'")],
    )
    def test_a_field_name_that_nrrd_would_misread(self, tmp_path, sequence, key, message):
        named = replace(sequence, fields={key: "x"})
        assert_same_sequence(metafile.read(metafile.write(tmp_path / "a.mha", named)), named)
        with pytest.raises(ValueError, match=message):
            metafile.write(tmp_path / "a.nrrd", named)

    def test_nrrd_has_room_for_values_of_several_lines(self, tmp_path, sequence):
        noted = replace(sequence, fields={"Seq_FrameRate": "30", "a=b": "1\n2 \\n"})
        assert_same_sequence(metafile.read(metafile.write(tmp_path / "a.nrrd", noted)), noted)

    @pytest.mark.parametrize("name", ["Timestamp", "ProbeToTrackerTransform", "AToBTransform"])
    def test_a_frame_field_that_would_come_back_as_something_else(self, tmp_path, sequence, name):
        taken = replace(sequence, frame_fields={name: ("1", "2", "3")})
        with pytest.raises(ValueError, match=f"frame field {name} has the name of"):
            metafile.write(tmp_path / "a.mha", taken)

    def test_a_transform_without_a_proper_name(self, tmp_path, sequence):
        tracks = {"Probe": sequence.transforms["ProbeToTracker"]}
        with pytest.raises(ValueError, match="transform must be named like ProbeToTracker, got 'P"):
            replace(sequence, transforms=tracks)

    def test_an_ending_that_is_no_sequence_file(self, tmp_path, sequence):
        with pytest.raises(ValueError, match="a sequence file must end in"):
            metafile.write(tmp_path / "a.raw", sequence)

    def test_frames_that_are_not_bytes(self, tmp_path):
        with (
            open(tmp_path / "x", "wb") as file,
            pytest.raises(ValueError, match="must be uint8, got float64"),
        ):
            pixel_io.write_frames(file, np.zeros((2, 3, 4)))

    def test_frames_that_are_fewer_than_announced(self, tmp_path):
        class Short(Broken):
            def __getitem__(self, key):
                return pixels()[:1]

        with (
            open(tmp_path / "x", "wb") as file,
            pytest.raises(ValueError, match=r"must be \(3, 4, 7\), got \(1, 4, 7\)"),
        ):
            pixel_io.write_frames(file, Short(0), wbits=ZLIB)


def test_matrices_that_no_tracker_would_write_keep_every_bit(tmp_path, sequence, rng):
    values = pose(0) + rng.standard_normal((COUNT, 4, 4)) * 10.0 ** rng.integers(-300, 300)
    track = metafile.TransformTrack(values, ("OK",) * COUNT)
    copy = replace(sequence, transforms={"ProbeToTracker": track})
    read = metafile.read(metafile.write(tmp_path / "a.mha", copy))
    np.testing.assert_array_equal(read.transforms["ProbeToTracker"].matrices, values)
