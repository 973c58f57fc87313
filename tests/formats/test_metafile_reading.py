"""What `metafile.read` makes of MetaImage headers, good and bad."""

import logging

import numpy as np
import pytest
from metafile_text import COUNT, HEIGHT, WIDTH, mha_bytes, pixels, pose, row, write_mha

from hipus.formats import header, metafile, metaimage, orientation


class TestAGoodFile:
    def test_pixels_are_those_of_the_payload(self, tmp_path):
        sequence = metafile.read(write_mha(tmp_path))
        assert sequence.frames.shape == (COUNT, HEIGHT, WIDTH)
        assert sequence.frames.dtype == np.uint8
        np.testing.assert_array_equal(sequence.frames[:], pixels())

    def test_compressed_pixels_are_the_same(self, tmp_path):
        sequence = metafile.read(write_mha(tmp_path, compressed=True))
        np.testing.assert_array_equal(sequence.frames[:], pixels())

    def test_transforms_statuses_and_times_are_as_written(self, tmp_path):
        sequence = metafile.read(write_mha(tmp_path))
        assert list(sequence.transforms) == [
            "ProbeToTracker",
            "ReferenceToTracker",
            "StylusToTracker",
        ]
        np.testing.assert_array_equal(sequence.transforms["ProbeToTracker"].matrices[2], pose(2))
        assert sequence.transforms["StylusToTracker"].status == ("INVALID",) * COUNT
        assert not sequence.transforms["StylusToTracker"].is_valid.any()
        np.testing.assert_array_equal(sequence.time_s, [100, 100.25, 100.5])
        assert sequence.image_status == ("OK",) * COUNT

    def test_custom_fields_are_kept_verbatim_and_in_order(self, tmp_path):
        path = write_mha(tmp_path, {"Zebra": "1 2", "Ape": ""})
        sequence = metafile.read(path)
        assert list(sequence.fields.items()) == [
            ("CustomNote", "left = right"),
            ("Zebra", "1 2"),
            ("Ape", ""),
        ]
        assert sequence.frame_fields == {"FrameNumber": ("40", "41", "42")}

    def test_spacing_is_that_of_columns_and_rows(self, tmp_path):
        assert metafile.read(write_mha(tmp_path)).spacing_xy == (0.3, 0.7)

    def test_spacing_is_one_where_it_is_not_stated(self, tmp_path):
        assert metafile.read(write_mha(tmp_path, {"ElementSpacing": None})).spacing_xy == (1, 1)

    def test_three_digit_exponents_and_padding_are_numbers(self, tmp_path):
        text = "  2.22045e-016 -1 0 300   1 2.22045e-016 0 400 0 0 1 700  -0 0 -0 1  "
        path = write_mha(tmp_path, {"Seq_Frame0000_ProbeToTrackerTransform": text})
        matrix = metafile.read(path).transforms["ProbeToTracker"].matrices[0]
        assert matrix[0, 0] == 2.22045e-16
        assert matrix[2, 3] == 700

    def test_windows_line_ends_do_not_shift_the_payload(self, tmp_path):
        whole = mha_bytes()
        head, payload = whole[: -pixels().size], whole[-pixels().size :]
        path = tmp_path / "crlf.mha"
        path.write_bytes(head.replace(b"\n", b"\r\n") + payload)
        np.testing.assert_array_equal(metafile.read(path).frames[:], pixels())

    def test_a_two_dimensional_file_is_one_frame(self, tmp_path):
        changes = {"NDims": "2", "DimSize": "7    4"}
        path = write_mha(tmp_path, changes, count=1)
        np.testing.assert_array_equal(metafile.read(path).frames[:], pixels(count=1))

    def test_frames_one_pixel_thick_are_frames(self, tmp_path):
        path = write_mha(tmp_path, {"NDims": "4", "DimSize": "7 4 1 3"})
        np.testing.assert_array_equal(metafile.read(path).frames[:], pixels())

    def test_either_byte_order_means_nothing_for_bytes(self, tmp_path):
        path = write_mha(tmp_path, {"BinaryDataByteOrderMSB": "True"})
        np.testing.assert_array_equal(metafile.read(path).frames[:], pixels())

    def test_bytes_that_are_not_utf8_are_latin1(self, tmp_path):
        sequence = metafile.read(write_mha(tmp_path, {"Place": "Z\xfcrich"}))
        assert sequence.fields["Place"] == "Zürich"

    def test_blank_lines_are_nothing(self, tmp_path):
        path = tmp_path / "blank.mha"
        path.write_bytes(b"\n" + mha_bytes())
        assert len(metafile.read(path)) == COUNT


class TestWhatAFrameMayLack:
    def test_a_transform_without_status_is_unstated_not_ok(self, tmp_path):
        gone = {f"Seq_Frame{i:04d}_ProbeToTrackerTransformStatus": None for i in range(COUNT)}
        track = metafile.read(write_mha(tmp_path, gone)).transforms["ProbeToTracker"]
        assert track.status == ("",) * COUNT
        assert not track.is_valid.any()
        np.testing.assert_array_equal(track.matrices[1], pose(1))

    def test_a_frame_without_the_transform_is_nan_there(self, tmp_path):
        key = "Seq_Frame0001_ProbeToTrackerTransform"
        path = write_mha(tmp_path, {key: None, f"{key}Status": None})
        track = metafile.read(path).transforms["ProbeToTracker"]
        assert track.status == ("OK", "", "OK")
        assert np.isnan(track.matrices[1]).all()

    def test_a_tool_the_tracker_calls_missing_stays_missing(self, tmp_path):
        key = "Seq_Frame0001_ProbeToTrackerTransformStatus"
        track = metafile.read(write_mha(tmp_path, {key: "MISSING"})).transforms["ProbeToTracker"]
        assert track.status[1] == "MISSING"
        assert list(track.is_valid) == [True, False, True]

    def test_a_name_without_the_ending_is_a_plain_field(self, tmp_path):
        sequence = metafile.read(write_mha(tmp_path, {"Seq_Frame0001_Stylus": "1 0 0"}))
        assert sequence.frame_fields["Stylus"] == (None, "1 0 0", None)

    def test_a_header_matrix_does_not_become_a_transform_over_time(self, tmp_path):
        sequence = metafile.read(write_mha(tmp_path, {"ImageToProbeTransform": row(np.eye(4))}))
        assert "ImageToProbe" not in sequence.transforms
        assert "ImageToProbeTransform" in sequence.fields

    @pytest.mark.parametrize("letters", ["XX", None, "MFA"])
    def test_a_tracker_log_of_single_pixels_is_kept(self, tmp_path, letters):
        path = write_mha(tmp_path, {"UltrasoundImageOrientation": letters}, height=1, width=1)
        sequence = metafile.read(path)
        assert not sequence.has_images
        np.testing.assert_array_equal(sequence.frames[:].ravel(), [0, 1, 2])

    @pytest.mark.parametrize("element", ["MET_UCHAR", "MET_OTHER"])
    def test_a_tracker_log_without_pixels_has_frames_of_no_size(self, tmp_path, element):
        changes = {"UltrasoundImageOrientation": "XX", "ElementType": element}
        sequence = metafile.read(write_mha(tmp_path, changes, b"", height=0, width=0))
        assert sequence.frames.shape == (COUNT, 0, 0)
        assert sequence.frames[:].shape == (COUNT, 0, 0)
        assert (sequence.orientation, sequence.has_images) == ("XX", False)


class TestOrientation:
    # u grows to the marked side, v away from the probe. Letters name where the stored
    # column index grows to, then where the row index does.
    @pytest.mark.parametrize(
        ("letters", "stored"),
        [
            ("MF", lambda mf: mf),
            ("MFA", lambda mf: mf),
            ("MFD", lambda mf: mf),
            ("mfa", lambda mf: mf),
            ("UF", lambda mf: mf[:, :, ::-1]),
            ("MN", lambda mf: mf[:, ::-1]),
            ("UN", lambda mf: mf[:, ::-1, ::-1]),
            ("FM", lambda mf: mf.transpose(0, 2, 1)),
            ("FU", lambda mf: mf[:, :, ::-1].transpose(0, 2, 1)),
            ("NM", lambda mf: mf[:, ::-1].transpose(0, 2, 1)),
            ("NUA", lambda mf: mf[:, ::-1, ::-1].transpose(0, 2, 1)),
        ],
    )
    def test_frames_are_presented_as_mf(self, tmp_path, letters, stored):
        payload = np.ascontiguousarray(stored(pixels()))
        count, height, width = payload.shape
        changes = {
            "UltrasoundImageOrientation": letters,
            "DimSize": f"{width} {height} {count}",
        }
        sequence = metafile.read(write_mha(tmp_path, changes, payload.tobytes()))
        np.testing.assert_array_equal(sequence.frames[:], pixels())
        np.testing.assert_array_equal(sequence.frames[1], pixels()[1])
        assert sequence.orientation == "MF" + letters[2:].upper()
        assert sequence.stored_orientation == letters

    def test_the_spacing_turns_with_a_transposed_image(self, tmp_path):
        sequence = metafile.read(write_mha(tmp_path, {"UltrasoundImageOrientation": "FM"}))
        assert sequence.spacing_xy == (0.7, 0.3)
        assert sequence.frames.shape == (COUNT, WIDTH, HEIGHT)

    @pytest.mark.parametrize("letters", ["XX", "AB", "MM", "FN", "MFX", "M", "MFAA", None])
    def test_an_image_of_unknown_orientation_is_refused(self, tmp_path, letters):
        path = write_mha(tmp_path, {"UltrasoundImageOrientation": letters})
        with pytest.raises(ValueError, match=r"made.*UltrasoundImageOrientation must be one of"):
            metafile.read(path)

    def test_an_unstated_orientation_may_be_assumed(self, tmp_path):
        path = write_mha(tmp_path, {"UltrasoundImageOrientation": None})
        sequence = metafile.read(path, assumed_orientation="MN")
        np.testing.assert_array_equal(sequence.frames[:], pixels()[:, ::-1])

    def test_a_stated_orientation_is_never_overruled(self, tmp_path):
        sequence = metafile.read(write_mha(tmp_path), assumed_orientation="MN")
        np.testing.assert_array_equal(sequence.frames[:], pixels())

    def test_no_letters_at_all_are_no_orientation(self):
        with pytest.raises(ValueError, match="got ''"):
            orientation.turn_to_mf("")


class TestTimes:
    TWICE = {"Seq_Frame0001_Timestamp": "100.000000"}
    BACK = {"Seq_Frame0002_Timestamp": "99.5"}

    def test_a_repeated_time_is_refused_with_frame_and_both_times(self, tmp_path):
        with pytest.raises(ValueError, match=r"made.*repeats at sample 1: 100.0+ then 100.0+ s"):
            metafile.read(write_mha(tmp_path, self.TWICE))

    def test_a_time_that_steps_back_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match=r"steps back at sample 2: 100.25\d* then 99.50* s"):
            metafile.read(write_mha(tmp_path, self.BACK))

    @pytest.mark.parametrize(("changes", "kept"), [(TWICE, [0, 2]), (BACK, [0, 1])])
    def test_such_frames_may_be_left_out(self, tmp_path, caplog, changes, kept):
        with caplog.at_level(logging.WARNING):
            sequence = metafile.read(write_mha(tmp_path, changes), on_bad_time="drop")
        assert "left out 1 frames" in caplog.text
        np.testing.assert_array_equal(sequence.frames[:], pixels()[kept])
        np.testing.assert_array_equal(np.asarray(sequence.frames), pixels()[kept])
        np.testing.assert_array_equal(sequence.frames[1], pixels()[kept[1]])
        assert sequence.frames[2:].shape == (0, HEIGHT, WIDTH)
        assert len(sequence.frames) == 2
        matrices = sequence.transforms["ProbeToTracker"].matrices
        np.testing.assert_array_equal(matrices, [pose(index) for index in kept])
        assert sequence.frame_fields["FrameNumber"] == tuple(str(40 + index) for index in kept)

    @pytest.mark.parametrize("stamp", ["nan", "inf"])
    def test_a_time_that_is_not_finite_is_refused_or_left_out(self, tmp_path, stamp):
        path = write_mha(tmp_path, {"Seq_Frame0000_Timestamp": stamp})
        with pytest.raises(ValueError, match="must be finite"):
            metafile.read(path)
        assert list(metafile.read(path, on_bad_time="drop").time_s) == [100.25, 100.5]

    def test_nothing_is_left_of_a_file_without_finite_times(self, tmp_path):
        stamps = {f"Seq_Frame{index:04d}_Timestamp": "nan" for index in range(COUNT)}
        with pytest.raises(ValueError, match="made.*no frame has a finite Timestamp, out of 3"):
            metafile.read(write_mha(tmp_path, stamps), on_bad_time="drop")

    def test_a_frame_without_time_is_refused(self, tmp_path):
        path = write_mha(tmp_path, {"Seq_Frame0001_Timestamp": None})
        with pytest.raises(ValueError, match=r"made.*key Seq_Frame0001_Timestamp is missing"):
            metafile.read(path)

    def test_a_file_without_times_is_refused(self, tmp_path):
        gone = {f"Seq_Frame{index:04d}_Timestamp": None for index in range(COUNT)}
        with pytest.raises(ValueError, match="key Seq_Frame0000_Timestamp is missing"):
            metafile.read(write_mha(tmp_path, gone))

    def test_an_unknown_policy_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="on_bad_time must be 'raise' or 'drop', got 'keep'"):
            metafile.read(write_mha(tmp_path), on_bad_time="keep")


class TestABadHeader:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"DimSize": "7 4 2"}, "declare 2 frames, but fields of 3 .*first extra: 2"),
            ({"DimSize": "7 4 4"}, "declare 4 frames, but fields of 3 .*first missing: 3"),
            ({"Seq_Frame0007_Timestamp": "1"}, "fields of 4 frames.*first extra: 7"),
            ({"DimSize": "7 4 0"}, "declare zero frames"),
            ({"DimSize": "7 -4 3"}, "DimSize must be 2 to 4 whole numbers, got '7 -4 3'"),
            ({"DimSize": "7 4.0 3"}, "DimSize must be 2 to 4 whole numbers"),
            ({"DimSize": "7"}, "DimSize must be 2 to 4 whole numbers"),
            ({"DimSize": "7 4 2 3", "NDims": "4"}, "DimSize must describe 2D frames"),
            ({"DimSize": None}, "header key DimSize is missing"),
            ({"ElementType": None}, "header key ElementType is missing"),
            ({"ElementType": "MET_SHORT"}, "ElementType must be MET_UCHAR, got 'MET_SHORT'"),
            ({"ElementType": "MET_OTHER"}, "ElementType must be MET_UCHAR, got 'MET_OTHER'"),
            ({"ElementNumberOfChannels": "3"}, "ElementNumberOfChannels must be 1, got '3'"),
            ({"NDims": "2"}, "NDims must be 3, got '2'"),
            ({"NDims": None}, "header key NDims is missing"),
            ({"ObjectType": "Tube"}, "ObjectType must be Image, got 'Tube'"),
            ({"BinaryData": "False"}, "BinaryData must be True, got 'False'"),
            ({"BinaryDataByteOrderMSB": "2"}, "ByteOrderMSB must be True or False, got '2'"),
            ({"CompressedData": "Maybe"}, "CompressedData must be True or False"),
            ({"HeaderSize": "-1"}, "HeaderSize must be 0, got '-1'"),
            ({"ElementSpacing": "0 1 1"}, "ElementSpacing must start with 2 positive numbers"),
            ({"ElementSpacing": "1 inf 1"}, "ElementSpacing must start with 2 positive numbers"),
            ({"": "x"}, "expected `key = value` in the header, got ' = x'"),
            ({"ElementSpacing": "a b"}, "ElementSpacing must be .*numbers, got 'a b'"),
            ({"Seq_Frame0002_Timestamp": "soon"}, "Frame0002_Timestamp must be 1 numbers, got 's"),
            (
                {"Seq_Frame0001_ProbeToTrackerTransform": "1 0 0 0"},
                "Seq_Frame0001_ProbeToTrackerTransform must be 16 numbers, got 4 in '1 0 0 0'",
            ),
            (
                {"Seq_Frame0001_ProbeToTrackerTransform": "x " * 16},
                r"Seq_Frame0001_ProbeToTrackerTransform must be 16 numbers, got 'x x",
            ),
        ],
    )
    def test_is_refused_naming_file_key_expected_and_got(self, tmp_path, changes, message):
        path = write_mha(tmp_path, changes)
        with pytest.raises(ValueError, match=message) as caught:
            metafile.read(path)
        assert str(path) in str(caught.value)

    def test_a_volume_is_no_sequence(self, tmp_path):
        path = tmp_path / "volume.mha"
        text = "ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\n"
        path.write_bytes(text.encode() + b"ElementDataFile = LOCAL\n" + bytes(8))
        with pytest.raises(ValueError, match="got none .an image or volume, not a sequence"):
            metafile.read(path)

    def test_a_key_stated_twice_is_refused(self, tmp_path):
        path = tmp_path / "twice.mha"
        path.write_bytes(b"Seq_Frame0000_Timestamp = 3\n" + mha_bytes())
        with pytest.raises(ValueError, match="Seq_Frame0000_Timestamp is stated twice"):
            metafile.read(path)

    def test_another_kind_of_file_is_refused_at_its_first_line(self, tmp_path):
        path = tmp_path / "picture.mha"
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
        with pytest.raises(ValueError, match="expected `key = value` in the header, got"):
            metafile.read(path)

    def test_a_header_without_end_is_refused(self, tmp_path):
        path = tmp_path / "cut.mha"
        path.write_bytes(mha_bytes().partition(b"Ultrasound")[0])
        with pytest.raises(ValueError, match="the file ends within its header"):
            metafile.read(path)

    def test_an_endless_line_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(header, "MAX_LINE_BYTES", 1000)
        with pytest.raises(ValueError, match="header line is longer than 1000 bytes"):
            metafile.read(write_mha(tmp_path, {"Note": "x" * 2000}))

    def test_an_endless_header_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(header, "MAX_HEADER_BYTES", 1000)
        with pytest.raises(ValueError, match="the header is longer than 1000 bytes"):
            metafile.read(write_mha(tmp_path))

    def test_an_unknown_ending_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match=r"must end in \.mha, \.mhd, \.nrrd"):
            metafile.read(tmp_path / "sweep.mp4")

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="nowhere.mha"):
            metafile.read(tmp_path / "nowhere.mha")


class TestElementDataFile:
    def write_pair(self, folder, name="made.raw", *, data=None):
        path = folder / "made.igs.mhd"
        path.write_bytes(mha_bytes(data_file=name))
        (folder / "made.raw").write_bytes(pixels().tobytes() if data is None else data)
        return path

    def test_pixels_may_lie_beside_the_header(self, tmp_path):
        sequence = metafile.read(self.write_pair(tmp_path))
        np.testing.assert_array_equal(sequence.frames[:], pixels())

    @pytest.mark.parametrize(
        "name",
        [
            "/etc/passwd",
            "../made.raw",
            "sub/made.raw",
            r"..\made.raw",
            r"C:\made.raw",
            "https://example.org/made.raw",
            "LIST",
            "LIST 2D",
            "made%03d.raw 1 10 1",
            "..",
            ".",
            "",
            "made\0.raw",
        ],
    )
    def test_any_other_place_is_refused(self, tmp_path, name):
        path = self.write_pair(tmp_path, name)
        with pytest.raises(ValueError, match="ElementDataFile must be LOCAL or the plain name"):
            metafile.read(path)

    def test_a_missing_pixel_file_is_named_with_its_header(self, tmp_path):
        path = self.write_pair(tmp_path, "other.raw")
        with pytest.raises(FileNotFoundError, match=r"made.igs.mhd.*names 'other.raw'"):
            metafile.read(path)

    def test_a_pixel_file_of_another_size_is_refused(self, tmp_path):
        path = self.write_pair(tmp_path, data=bytes(50))
        with pytest.raises(ValueError, match=r"made.raw: payload is truncated.*84 .*got 50"):
            metafile.read(path)


def test_the_syntax_module_leaves_poses_alone(tmp_path):
    parsed = metaimage.read_header(write_mha(tmp_path))
    assert parsed.columns["ProbeToTrackerTransform"][0] == row(pose(0)).strip()
