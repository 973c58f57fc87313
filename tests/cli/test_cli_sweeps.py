"""`hipus info`, `hipus convert`, `hipus reconstruct` on small recordings."""

import json

import numpy as np
import pytest
from recordings import T_PIXEL_TO_PROBE, recording, slab

from hipus import geometry, images
from hipus.formats import metafile, tusrec

EYE = np.eye(4).tolist()


@pytest.fixture
def uncalibrated(write_slab):
    """Return the path of a slab that holds no calibration."""
    return write_slab("plain.igs.mha", calibrated=False)


class TestInfo:
    def test_sequence_lists_size_time_transforms_and_fields(self, hipus, write_slab):
        found = hipus("info", write_slab(invalid=(1,))).json
        assert (found["frames_total"], found["frame_height_px"], found["frame_width_px"]) == (
            *(5, 3),
            4,
        )
        assert (found["duration_s"], found["frame_rate_hz"]) == (2.0, 2.0)
        assert found["transforms"] == {"ProbeToReference": {"frames_ok": 4, "frames_total": 5}}
        assert found["has_images"] is True
        assert found["header_fields"]["SweepId"] == "slab"

    def test_sequence_without_images_says_so(self, hipus, tmp_path):
        poses = geometry.transform(translation=np.eye(3))
        empty = recording(
            np.zeros((3, 0, 0), np.uint8), [0.0, 1.0, 2.0], {"ProbeToTracker": poses},
            orientation="XX",
        )  # fmt: skip
        found = hipus("info", metafile.write(tmp_path / "poses.igs.mha", empty)).json
        assert found["has_images"] is False
        assert found["frames_total"] == 3

    def test_single_frame_has_no_rate(self, hipus, write_slab):
        found = hipus("info", write_slab(count=1)).json
        assert (found["duration_s"], found["frame_rate_hz"]) == (0.0, None)

    def test_scan_lists_what_it_holds(self, hipus, tmp_path):
        found = hipus("info", tusrec.write(slab(), tmp_path / "scan.h5")).json
        assert (found["frames_total"], found["frames_valid"]) == (5, 5)
        assert found["reference"] == "tracker"
        assert found["T_pixel_to_probe"] is None

    def test_missing_file_is_named(self, refused, tmp_path):
        assert refused("info", tmp_path / "a.h5").endswith("a.h5 is missing")

    def test_wrong_suffix_names_the_right_ones(self, refused, tmp_path):
        (tmp_path / "a.png").write_bytes(b"x")
        assert "a.png must end in one of .mha, .mhd, .nrrd" in refused("info", tmp_path / "a.png")

    def test_a_folder_is_no_sweep(self, refused, tmp_path):
        assert "is missing" in refused("info", tmp_path)

    def test_truncated_payload_says_how_much_is_there(self, refused, tmp_path):
        path = metafile.write(
            tmp_path / "cut.igs.mha", metafile.from_sweep(slab()), compressed=False
        )
        path.write_bytes(path.read_bytes()[:-7])
        message = refused("info", path)
        assert "cut.igs.mha" in message
        assert "60" in message
        assert "53" in message

    def test_no_hdf5_is_an_error_of_one_line(self, refused, tmp_path):
        (tmp_path / "a.h5").write_bytes(b"not hdf5")
        assert "a.h5 is no readable HDF5 file" in refused("info", tmp_path / "a.h5")

    def test_a_volume_is_told_from_a_sweep(self, refused, tmp_path):
        volume = images.Volume(np.zeros((2, 3, 4), np.uint8), (1.0, 1.0, 1.0))
        message = refused("info", images.write(volume, tmp_path / "volume.mha"))
        assert "volume.mha" in message
        assert "an image or volume, not a sequence" in message


class TestConvert:
    @pytest.mark.parametrize(
        "chain", [("b.igs.nrrd", "c.igs.mha"), ("b.igs.mhd", "c.igs.mha"), ("b.mha", "c.igs.mha")]
    )
    def test_sequence_comes_back_equal_through_any_format(
        self, hipus, tmp_path, empty_folder, rng, chain
    ):
        poses = geometry.transform(translation=rng.normal(size=(4, 3)))
        poses[2] = np.nan
        sequence = recording(
            rng.integers(0, 256, (4, 5, 7), dtype=np.uint8), [1.0, 1.5, 2.25, 3.0],
            {"ProbeToTracker": poses, "StylusToTracker": poses[::-1]},
            fields={"CustomNote": "left = right"}, frame_fields={"FrameNumber": tuple("1234")},
        )  # fmt: skip
        source = metafile.write(tmp_path / "a.igs.mha", sequence)
        for name in chain:
            outcome = hipus("convert", source, empty_folder / name)
            assert outcome.json == {"written": [str(empty_folder / name)], "frames_total": 4}
            source = empty_folder / name
        back = metafile.read(source)
        np.testing.assert_array_equal(back.frames[:], sequence.frames)
        assert back.time_s.tolist() == list(sequence.time_s)
        assert back.fields == sequence.fields
        assert back.frame_fields == sequence.frame_fields
        for name, track in sequence.transforms.items():
            np.testing.assert_array_equal(back.transforms[name].matrices, track.matrices)
            assert back.transforms[name].status == track.status

    def test_scan_and_its_calibration_come_back(self, hipus, write_slab, empty_folder):
        scan, beside = empty_folder / "s.h5", empty_folder / "s.calib_matrix.csv"
        written = hipus("convert", write_slab(), scan).json
        assert written == {"written": [str(scan), str(beside)], "frames_total": 5}
        back = empty_folder / "back.igs.mha"
        assert hipus("convert", scan, back, "--image-to-probe", beside).status == 0
        sweep = metafile.read(back).to_sweep()
        np.testing.assert_array_equal(sweep.frames[:], slab().frames)
        np.testing.assert_allclose(sweep.T_probe_to_reference, slab().T_probe_to_reference)
        np.testing.assert_allclose(sweep.T_pixel_to_probe, T_PIXEL_TO_PROBE, atol=1e-12)
        assert sweep.time_s.tolist() == slab().time_s.tolist()

    def test_uncalibrated_scan_has_no_calibration_beside_it(
        self, hipus, uncalibrated, empty_folder
    ):
        hipus("convert", uncalibrated, empty_folder / "s.h5")
        assert [path.name for path in empty_folder.iterdir()] == ["s.h5"]

    def test_calibration_can_be_stored_in_a_sequence(
        self, hipus, uncalibrated, empty_folder, calibration_json
    ):
        target = empty_folder / "with.igs.mha"
        hipus("convert", uncalibrated, target, "--image-to-probe", calibration_json)
        stored = metafile.read(target).to_sweep().T_pixel_to_probe
        np.testing.assert_allclose(stored, T_PIXEL_TO_PROBE)

    def test_a_sheared_calibration_leaves_no_scan_behind(
        self, refused, uncalibrated, empty_folder, tmp_path
    ):
        sheared = T_PIXEL_TO_PROBE.copy()
        sheared[0, 1] = 0.5
        (tmp_path / "sheared.json").write_text(json.dumps({"T_pixel_to_probe": sheared.tolist()}))
        message = refused(
            *("convert", uncalibrated, empty_folder / "s.h5"),
            *("--image-to-probe", tmp_path / "sheared.json"),
        )
        assert "T_pixel_to_probe without scale" in message
        assert list(empty_folder.iterdir()) == []

    def test_invalid_frames_have_no_place_in_a_scan(self, refused, write_slab, empty_folder):
        message = refused("convert", write_slab(invalid=(0, 3)), empty_folder / "s.h5")
        assert "got 2 of 5 frames invalid" in message
        assert list(empty_folder.iterdir()) == []

    def test_unknown_format_is_refused(self, refused, write_slab, empty_folder):
        message = refused("convert", write_slab(), empty_folder / "s.avi")
        assert "s.avi must end in one of .mha, .mhd, .nrrd, .h5" in message
        assert list(empty_folder.iterdir()) == []

    def test_a_sweep_is_not_replaced_by_part_of_itself(self, refused, write_slab, calibration_json):
        sweep = write_slab()
        content = sweep.read_bytes()
        message = refused("convert", sweep, sweep, "--image-to-probe", calibration_json)
        assert "output must not replace an input" in message
        assert sweep.read_bytes() == content

    def test_a_file_may_replace_itself(self, hipus, write_slab):
        path = write_slab()
        before = metafile.read(path).frames[:].copy()
        assert hipus("convert", path, path).status == 0
        np.testing.assert_array_equal(metafile.read(path).frames[:], before)


class TestReconstruct:
    """1 mm pixels, 1 mm between frames, 1 mm voxels: every voxel is one pixel."""

    OPTIONS = ("--spacing-mm", "1", "--interpolation", "nearest")

    @pytest.mark.parametrize("compounding", ["mean", "max", "latest"])
    def test_each_frame_becomes_its_plane(self, hipus, write_slab, empty_folder, compounding):
        target = empty_folder / "v.mha"
        outcome = hipus(
            *("reconstruct", write_slab(), "-o", target, "--compounding", compounding),
            *self.OPTIONS,
        )
        volume = images.read(target)
        assert volume.array.shape == (5, 3, 4)
        assert volume.origin_xyz_mm == (10.0, 20.0, 0.0)
        np.testing.assert_array_equal(volume.array[:, 1, 2], [10, 20, 30, 40, 50])
        assert json.loads((empty_folder / "v.mha.json").read_text()) == outcome.json
        assert outcome.json == {
            "volume": "v.mha",
            "frames_used": 5,
            "frames_left_out": 0,
            "frames_total": 5,
            "shape_zyx": [5, 3, 4],
            "spacing_xyz_mm": [1.0, 1.0, 1.0],
            "origin_xyz_mm": [10.0, 20.0, 0.0],
            "hit_voxels_percent": 100.0,
            "origin": "recorded",
        }

    def test_invalid_frames_are_left_out_and_counted(self, hipus, write_slab, empty_folder):
        outcome = hipus(
            "reconstruct", write_slab(invalid=(2,)), "-o", empty_folder / "v.mha", *self.OPTIONS
        )
        assert (outcome.json["frames_used"], outcome.json["frames_left_out"]) == (4, 1)
        assert outcome.json["hit_voxels_percent"] == 80.0
        values = images.read(empty_folder / "v.mha").array[:, 0, 0]
        np.testing.assert_array_equal(values, [10, 20, 0, 40, 50])

    def test_clip_keeps_a_rectangle(self, hipus, write_slab, empty_folder):
        clip = ("--clip", 1, 0, 2, 3)
        hipus("reconstruct", write_slab(), "-o", empty_folder / "v.mha", *self.OPTIONS, *clip)
        volume = images.read(empty_folder / "v.mha")
        assert volume.array.shape == (5, 3, 2)
        assert volume.origin_xyz_mm[0] == 11.0

    def test_three_sides_are_x_y_z(self, hipus, write_slab, empty_folder):
        target = empty_folder / "v.nii.gz"
        outcome = hipus("reconstruct", write_slab(), "-o", target, "--spacing-mm", "3,2,1")
        assert outcome.json["spacing_xyz_mm"] == [3.0, 2.0, 1.0]
        assert outcome.json["shape_zyx"] == [5, 2, 2]
        assert images.read(target).spacing_zyx_mm == pytest.approx((1.0, 2.0, 3.0))

    def test_calibration_of_a_json_file_is_used(
        self, hipus, uncalibrated, empty_folder, calibration_json
    ):
        target = empty_folder / "v.mha"
        options = ("--image-to-probe", calibration_json, *self.OPTIONS)
        assert hipus("reconstruct", uncalibrated, "-o", target, *options).status == 0
        assert images.read(target).origin_xyz_mm == (10.0, 20.0, 0.0)

    def test_calibration_of_a_plus_xml_is_used(self, hipus, uncalibrated, empty_folder, tmp_path):
        numbers = " ".join(str(value) for value in T_PIXEL_TO_PROBE.ravel())
        (tmp_path / "plus.xml").write_text(
            '<PlusConfiguration><CoordinateDefinitions><Transform From="Image" To="Probe" '
            f'Matrix="{numbers}"/></CoordinateDefinitions></PlusConfiguration>'
        )
        target = empty_folder / "v.mha"
        options = ("--image-to-probe", tmp_path / "plus.xml", *self.OPTIONS)
        assert hipus("reconstruct", uncalibrated, "-o", target, *options).status == 0
        assert images.read(target).origin_xyz_mm == (10.0, 20.0, 0.0)

    def test_scan_is_reconstructed_with_either_calibration(
        self, hipus, write_slab, empty_folder, calibration_json
    ):
        scan = empty_folder / "s.h5"
        hipus("convert", write_slab(), scan)
        volumes = []
        for calibration in (calibration_json, empty_folder / "s.calib_matrix.csv"):
            target = empty_folder / f"{calibration.stem}.mha"
            options = ("--image-to-probe", calibration, *self.OPTIONS)
            assert hipus("reconstruct", scan, "-o", target, *options).json["frames_used"] == 5
            volumes.append(images.read(target).array)
        np.testing.assert_array_equal(volumes[0], volumes[1])
        np.testing.assert_array_equal(volumes[0][:, 1, 1], [10, 20, 30, 40, 50])

    def test_names_of_probe_and_reference_are_free(self, hipus, tmp_path, empty_folder):
        poses = geometry.transform(translation=np.arange(3)[:, None] * [0.0, 0.0, 1.0])
        sequence = recording(
            slab(count=3).frames, [0.0, 1.0, 2.0], {"WandToCamera": poses}
        )  # fmt: skip
        path = metafile.write(tmp_path / "named.igs.mha", sequence)
        (tmp_path / "c.json").write_text(
            json.dumps({"T_pixel_to_probe": T_PIXEL_TO_PROBE.tolist()})
        )
        outcome = hipus(
            *("reconstruct", path, "-o", empty_folder / "v.mha", "--probe", "Wand"),
            *("--reference", "Camera", "--image-to-probe", tmp_path / "c.json", *self.OPTIONS),
        )
        assert outcome.json["frames_used"] == 3


class TestReconstructRefuses:
    """Every refusal is one line and leaves the output folder as it was."""

    @pytest.fixture
    def complaint(self, refused, empty_folder):
        """Return a function that reconstructs in vain."""

        def call(sweep, *options, name="v.mha") -> str:
            message = refused("reconstruct", sweep, "-o", empty_folder / name, *options)
            assert list(empty_folder.iterdir()) == []
            return message

        return call

    def test_missing_sweep(self, complaint, tmp_path):
        assert "none.igs.mha is missing" in complaint(tmp_path / "none.igs.mha")

    def test_sweep_without_calibration(self, complaint, uncalibrated):
        message = complaint(uncalibrated)
        assert "plain.igs.mha holds no calibration: name one with --image-to-probe" in message

    def test_an_input_is_never_replaced_by_the_volume(self, refused, write_slab):
        sweep = write_slab()
        content = sweep.read_bytes()
        message = refused("reconstruct", sweep, "-o", sweep.parent / "." / sweep.name)
        assert "output must not replace an input" in message
        assert sweep.read_bytes() == content

    def test_missing_calibration(self, complaint, uncalibrated, tmp_path):
        options = ("--image-to-probe", tmp_path / "c.json")
        assert "c.json is missing" in complaint(uncalibrated, *options)

    @pytest.mark.parametrize(
        "text", ["{", "[]", "3", '{"T_image_to_probe": []}', "null", "\x00\xff", "[" * 100_000]
    )
    def test_calibration_that_is_no_calibration(self, complaint, uncalibrated, tmp_path, text):
        (tmp_path / "c.json").write_bytes(text.encode("latin-1"))
        message = complaint(uncalibrated, "--image-to-probe", tmp_path / "c.json")
        assert "c.json must be a PLUS .xml, a TUS-REC .csv, or JSON with T_pixel_to_pr" in message

    @pytest.mark.parametrize(
        "matrix", [[[1, 2], [3, 4]], [["a"] * 4] * 4, [[1, 0], [0]], None, {"x": 1}, 2 * [EYE]]
    )
    def test_calibration_that_is_no_matrix(self, complaint, uncalibrated, tmp_path, matrix):
        (tmp_path / "c.json").write_text(json.dumps({"T_pixel_to_probe": matrix}))
        message = complaint(uncalibrated, "--image-to-probe", tmp_path / "c.json")
        assert "c.json: T_pixel_to_probe must be 4 rows of 4 numbers" in message

    def test_calibration_csv_of_something_else(self, complaint, uncalibrated, tmp_path):
        (tmp_path / "c.csv").write_text("a,b\n1,2\n")
        message = complaint(uncalibrated, "--image-to-probe", tmp_path / "c.csv")
        assert "c.csv must hold the block" in message

    def test_plus_xml_without_the_transform(self, complaint, uncalibrated, tmp_path):
        (tmp_path / "plus.xml").write_text(
            "<PlusConfiguration><CoordinateDefinitions/></PlusConfiguration>"
        )
        message = complaint(uncalibrated, "--image-to-probe", tmp_path / "plus.xml")
        assert "no Transform from Image to Probe; there are: none" in message

    def test_no_such_transform_in_the_sweep(self, complaint, write_slab):
        message = complaint(write_slab(), "--probe", "Wand")
        assert "Wand" in message
        assert "ProbeToReference" in message

    def test_all_poses_invalid(self, complaint, tmp_path, calibration_json):
        poses = np.full((3, 4, 4), np.nan)
        sequence = recording(slab(count=3).frames, [0.0, 1, 2], {"ProbeToReference": poses})
        path = metafile.write(tmp_path / "blind.igs.mha", sequence)
        message = complaint(path, "--image-to-probe", calibration_json)
        assert "no frame has a valid pose of Probe in Reference" in message
        assert "INVALID in 3 of 3 frames" in message

    @pytest.mark.parametrize("spacing", ["0", "-1", "1,0,1", "nan", "inf"])
    def test_spacing_that_is_no_length(self, complaint, write_slab, spacing):
        message = complaint(write_slab(), f"--spacing-mm={spacing}")
        assert "spacing_xyz_mm must be 3 positive numbers" in message

    def test_absurdly_small_spacing(self, complaint, write_slab):
        message = complaint(write_slab(), "--spacing-mm", "1e-6")
        assert "more than the limit of" in message
        assert "choose a larger spacing" in message

    @pytest.mark.parametrize("clip", [(0, 0, 5, 3), (0, 0, 4, 4), (3, 2, 2, 1)])
    def test_clip_that_leaves_the_image(self, complaint, write_slab, clip):
        assert "leaves the frame of 4 x 3 px" in complaint(write_slab(), "--clip", *clip)

    @pytest.mark.parametrize("clip", [(0, 0, 0, 3), (0, 0, 4, -1)])
    def test_clip_without_an_area(self, complaint, write_slab, clip):
        assert "at least 1 x 1 px" in complaint(write_slab(), "--clip", *clip)

    def test_unknown_volume_format_is_refused_before_the_sweep_is_read(self, complaint, tmp_path):
        message = complaint(tmp_path / "none.igs.mha", name="v.jpg")
        assert "v.jpg must end in one of .mha, .nii.gz" in message

    def test_truncated_payload(self, complaint, write_slab):
        path = write_slab()
        path.write_bytes(path.read_bytes()[:-5])
        assert "slab.igs.mha" in complaint(path)

    @pytest.mark.parametrize("spacing", ["a", "1,2", "1,2,3,4", ""])
    def test_spacing_that_is_no_number_is_a_usage_error(
        self, hipus, write_slab, empty_folder, spacing
    ):
        outcome = hipus(
            "reconstruct", write_slab(), "-o", empty_folder / "v.mha", f"--spacing-mm={spacing}"
        )
        assert outcome.status == 2
        assert "must be one number or three" in outcome.err
        assert list(empty_folder.iterdir()) == []

    @pytest.mark.parametrize("option", ["--interpolation=cubic", "--compounding=median"])
    def test_unknown_method_is_a_usage_error(self, hipus, write_slab, empty_folder, option):
        outcome = hipus("reconstruct", write_slab(), "-o", empty_folder / "v.mha", option)
        assert outcome.status == 2
        assert option.partition("=")[2] in outcome.err


class TestUnwritableOutput:
    def test_a_file_where_a_folder_should_be(self, refused, write_slab, tmp_path):
        (tmp_path / "file").write_text("in the way")
        message = refused("reconstruct", write_slab(), "-o", tmp_path / "file" / "v.mha")
        assert "cannot write" in message
        assert (tmp_path / "file").read_text() == "in the way"

    @pytest.mark.parametrize("name", ["v.mha", "v.mha.json"])
    def test_a_folder_where_a_file_should_be_leaves_neither(
        self, refused, write_slab, empty_folder, name
    ):
        (empty_folder / name).mkdir()
        message = refused("reconstruct", write_slab(), "-o", empty_folder / "v.mha")
        assert f"{name}: it is a folder" in message
        assert [path.name for path in empty_folder.iterdir()] == [name]

    def test_it_is_noticed_before_the_work(self, refused, write_slab, tmp_path, monkeypatch):
        monkeypatch.setattr(
            "hipus.reconstruction.voxelisation.voxelise", lambda *_, **__: pytest.fail("worked")
        )
        (tmp_path / "file").write_text("")
        assert "cannot write" in refused(
            "reconstruct", write_slab(), "-o", tmp_path / "file" / "v.mha"
        )

    def test_a_failing_volume_leaves_no_facts(self, refused, write_slab, empty_folder, monkeypatch):
        def full(*_):
            raise OSError("No space left on device")

        monkeypatch.setattr("hipus.images.write", full)
        assert "No space left" in refused("reconstruct", write_slab(), "-o", empty_folder / "v.mha")
        assert list(empty_folder.iterdir()) == []

    def test_a_lack_of_memory_is_one_line(self, refused, write_slab, empty_folder, monkeypatch):
        def exhausted(*_, **__):
            raise MemoryError("Unable to allocate 11 GiB")

        monkeypatch.setattr("hipus.reconstruction.voxelisation.voxelise", exhausted)
        message = refused("reconstruct", write_slab(), "-o", empty_folder / "v.mha")
        assert "not enough memory: Unable to allocate 11 GiB" in message
        assert list(empty_folder.iterdir()) == []
