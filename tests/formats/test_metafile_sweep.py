"""From a recorded sequence to a sweep and back: chains, statuses, calibration."""

from dataclasses import replace

import numpy as np
import pytest
from metafile_text import COUNT, pixels, pose, row, write_mha

from hipus import geometry
from hipus.formats import metafile, sweep_fields
from hipus.formats.metafile import Sequence, TransformTrack, from_sweep
from hipus.sweep import Imu, Sweep

PROBE = "Seq_Frame0001_ProbeToTrackerTransform"


def read(folder, changes=None, **options):
    return metafile.read(write_mha(folder, changes, **options))


def scaled(matrix, factor):
    return matrix @ np.diag([factor, factor, factor, 1])


class TestTheChain:
    def test_is_the_full_inverse_of_the_reference_times_the_probe(self, tmp_path):
        sweep = read(tmp_path).to_sweep()
        expected = [np.linalg.inv(pose(5, shift=7.0)) @ pose(index) for index in range(COUNT)]
        np.testing.assert_allclose(sweep.T_probe_to_reference, expected, atol=1e-12)
        assert sweep.reference == "reference"

    def test_carries_points_as_the_two_transforms_do(self, tmp_path):
        sweep = read(tmp_path).to_sweep()
        point = np.array([3.0, -4.0, 5.0])
        in_tracker = geometry.apply(pose(2), point)
        in_reference = geometry.apply(sweep.T_probe_to_reference[2], point)
        np.testing.assert_allclose(
            geometry.apply(pose(5, shift=7.0), in_reference), in_tracker, atol=1e-9
        )

    def test_inverts_rounded_matrices_as_they_are(self, tmp_path):
        rounded = np.round(pose(5, shift=300.0), 3)
        keys = [f"Seq_Frame{index:04d}_ReferenceToTrackerTransform" for index in range(COUNT)]
        sequence = read(tmp_path, dict.fromkeys(keys, row(rounded)))
        back = rounded @ sequence.to_sweep().T_probe_to_reference
        np.testing.assert_allclose(back[0], pose(0), atol=1e-9)

    def test_may_end_at_the_tracker(self, tmp_path):
        sweep = read(tmp_path).to_sweep(reference="Tracker")
        np.testing.assert_array_equal(sweep.T_probe_to_reference[1], pose(1))
        assert sweep.reference == "tracker"

    def test_takes_the_shortest_way(self, tmp_path):
        key = "ProbeToReferenceTransform"
        changes = {f"Seq_Frame{i:04d}_{key}": row(pose(i, shift=90)) for i in range(COUNT)}
        changes |= {f"Seq_Frame{index:04d}_{key}Status": "OK" for index in range(COUNT)}
        chain = read(tmp_path, changes).chain("Probe", "Reference")
        np.testing.assert_allclose(chain[1], pose(1, shift=90), atol=1e-12)

    def test_back_and_forth_is_nothing(self, tmp_path):
        sequence = read(tmp_path)
        there, back = sequence.chain("Probe", "Reference"), sequence.chain("Reference", "Probe")
        np.testing.assert_allclose(there @ back, np.tile(np.eye(4), (COUNT, 1, 1)), atol=1e-12)
        np.testing.assert_array_equal(sequence.chain("Probe", "Probe")[2], np.eye(4))

    def test_a_missing_transform_is_named_with_those_present(self, tmp_path):
        with pytest.raises(
            ValueError,
            match=r"made.*from Needle to Reference; present: ProbeToTracker, ReferenceToTracker, S",
        ):
            read(tmp_path).to_sweep(probe="Needle")

    def test_a_file_without_transforms_says_none(self, tmp_path):
        empty = replace(read(tmp_path), transforms={})
        with pytest.raises(ValueError, match="present: none"):
            empty.to_sweep()


class TestValidity:
    def test_transforms_outside_the_chain_are_not_judged(self, tmp_path):
        sweep = read(tmp_path).to_sweep()
        assert sweep.is_valid.all()

    @pytest.mark.parametrize("name", ["ProbeToTracker", "ReferenceToTracker"])
    def test_any_transform_of_the_chain_that_is_not_ok_makes_nan(self, tmp_path, name):
        key = f"Seq_Frame0001_{name}TransformStatus"
        sweep = read(tmp_path, {key: "INVALID"}).to_sweep()
        assert list(sweep.is_valid) == [True, False, True]
        assert np.isnan(sweep.T_probe_to_reference[1]).all()

    def test_an_invalid_matrix_may_be_anything(self, tmp_path):
        changes = {PROBE: row(np.full((4, 4), np.nan)), f"{PROBE}Status": "INVALID"}
        assert list(read(tmp_path, changes).to_sweep().is_valid) == [True, False, True]

    def test_an_invalid_image_keeps_its_pose(self, tmp_path):
        sweep = read(tmp_path, {"Seq_Frame0002_ImageStatus": "INVALID"}).to_sweep()
        assert list(sweep.is_valid) == [True, True, False]
        assert np.isfinite(sweep.T_probe_to_reference[2]).all()

    def test_an_image_without_status_is_valid(self, tmp_path):
        sweep = read(tmp_path, {"Seq_Frame0002_ImageStatus": None}).to_sweep()
        assert sweep.is_valid.all()

    def test_no_valid_pose_at_all_is_an_error_that_counts(self, tmp_path):
        keys = [f"Seq_Frame{index:04d}_ProbeToTrackerTransformStatus" for index in range(COUNT)]
        changes = dict.fromkeys(keys, "INVALID") | {keys[2]: None}
        with pytest.raises(
            ValueError,
            match="no frame has a valid pose of Probe in Reference: ProbeToTracker is INVALID in 2"
            ", ProbeToTracker is without a status in 1, ReferenceToTracker is OK in 3 of 3 frames",
        ):
            read(tmp_path, changes).to_sweep()

    def test_a_transform_without_status_is_trusted_only_when_told(self, tmp_path):
        sequence = read(tmp_path, {f"{PROBE}Status": None})
        assert list(sequence.to_sweep().is_valid) == [True, False, True]
        assert sequence.to_sweep(accepts_unstated=True).is_valid.all()

    def test_a_frame_without_matrix_is_never_trusted(self, tmp_path):
        sequence = read(tmp_path, {PROBE: None, f"{PROBE}Status": None})
        assert list(sequence.to_sweep(accepts_unstated=True).is_valid) == [True, False, True]

    @pytest.mark.parametrize(
        ("matrix", "fault"),
        [
            (np.full((4, 4), np.nan), "is not finite"),
            (pose(1) * [1, 1, 1, np.inf], "is not finite"),
            (scaled(pose(1), 1.2), "carries a scale"),
            (pose(1) @ np.diag([1, 1, -1, 1]), "is a reflection"),
            (pose(1) + np.eye(4, k=1) * [0, 0.1, 0, 0], "is sheared|carries a scale"),
            (pose(1).T, "must end in the row 0 0 0 1"),
        ],
    )
    def test_a_matrix_that_is_ok_but_not_rigid_is_refused(self, tmp_path, matrix, fault):
        sequence = read(tmp_path, {PROBE: row(matrix)})
        with pytest.raises(ValueError, match=rf"made.*frame 1: ProbeToTrackerTransform ({fault})"):
            sequence.to_sweep()

    def test_a_tracker_log_is_no_sweep_but_has_a_chain(self, tmp_path):
        log = read(tmp_path, {"UltrasoundImageOrientation": "XX"}, height=0, width=0)
        assert np.isfinite(log.chain("Probe", "Reference")).all()
        with pytest.raises(ValueError, match=r"a sweep needs images, got frames of \(3, 0, 0\)"):
            log.to_sweep()


class TestCalibration:
    T_pixel_to_probe = geometry.transform(np.diag([0.08, 0.09, 0.08]), [1.0, 2.0, 3.0])

    def test_is_none_where_nobody_gives_one(self, tmp_path):
        sweep = read(tmp_path).to_sweep()
        assert sweep.T_pixel_to_probe is None
        assert sweep.pixel_spacing_xy_mm is None

    def test_is_the_given_one(self, tmp_path):
        changes = {"ImageToProbeTransform": row(np.eye(4)), "PixelSpacing": "5 5"}
        sweep = read(tmp_path, changes).to_sweep(T_pixel_to_probe=self.T_pixel_to_probe)
        np.testing.assert_array_equal(sweep.T_pixel_to_probe, self.T_pixel_to_probe)
        assert sweep.pixel_spacing_xy_mm == pytest.approx((0.08, 0.09))

    def test_is_the_headers_where_none_is_given(self, tmp_path):
        sweep = read(tmp_path, {"ImageToProbeTransform": row(self.T_pixel_to_probe)}).to_sweep()
        np.testing.assert_array_equal(sweep.T_pixel_to_probe, self.T_pixel_to_probe)

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"ImageToProbeTransform": "1 0"}, "made.*ImageToProbeTransform must be 16 numbers"),
            ({"PixelSpacing": "1"}, "made.*PixelSpacing must be 2 numbers, got 1"),
            (
                {"ImageToProbeTransform": row(np.diag([1, 1, 1, 2]))},
                "made.*ImageToProbeTransform must end in the row 0 0 0 1",
            ),
            (
                {"ImageToProbeTransform": row(np.diag([1, 0, 1, 1]))},
                "made.*ImageToProbeTransform must be invertible, got determinant 0",
            ),
            ({"PixelSpacing": "1 -1"}, "made.*PixelSpacing must be 2 positive numbers, got '1 -1'"),
            ({"PixelSpacing": "nan 1"}, "made.*PixelSpacing must be 2 positive numbers"),
            (
                {"ImuSample0000": "1 2 3 nan 5 6 7"},
                "made.*imu.angular_velocity_rad_s must be finite",
            ),
            (
                {"ImuSample0000": "1 2 3 4 5 6 7", "ImuToProbeTransform": row(-np.eye(4))},
                "made.*ImuToProbeTransform must end in the row",
            ),
            ({"ImuSample0000": "1 2 3"}, "made.*ImuSample0000 must be 7 numbers, got 3"),
        ],
    )
    def test_a_field_that_is_not_what_it_says_is_refused(self, tmp_path, fields, message):
        with pytest.raises(ValueError, match=message):
            read(tmp_path, fields).to_sweep()


class TestFromSweep:
    def full(self, sweep, rng):
        imu = Imu(
            time_s=np.cumsum(rng.uniform(0.001, 0.02, 11)),
            angular_velocity_rad_s=rng.standard_normal((11, 3)),
            acceleration_m_s2=rng.standard_normal((11, 3)),
            T_imu_to_probe=pose(3),
        )
        is_valid = sweep.is_valid.copy()
        is_valid[5] = False
        return replace(sweep, imu=imu, is_valid=is_valid, reference="hip")

    @pytest.mark.parametrize("name", ["a.igs.mha", "a.igs.mhd", "a.igs.nrrd"])
    def test_a_sweep_comes_back_from_a_file(self, tmp_path, tiny_sweep, rng, name):
        sweep = self.full(tiny_sweep, rng)
        copy = metafile.read(metafile.write(tmp_path / name, from_sweep(sweep))).to_sweep()
        assert isinstance(copy, Sweep)
        np.testing.assert_array_equal(copy.frames[:], sweep.frames)
        for attribute in ("time_s", "T_probe_to_reference", "is_valid", "T_pixel_to_probe"):
            np.testing.assert_array_equal(getattr(copy, attribute), getattr(sweep, attribute))
        for attribute in ("pixel_spacing_xy_mm", "reference", "sweep_id"):
            assert getattr(copy, attribute) == getattr(sweep, attribute)
        for attribute in vars(sweep.imu):
            np.testing.assert_array_equal(
                getattr(copy.imu, attribute), getattr(sweep.imu, attribute)
            )

    def test_an_invalid_pose_is_an_identity_that_says_so(self, tiny_sweep):
        sequence = from_sweep(tiny_sweep)
        track = sequence.transforms["ProbeToReference"]
        np.testing.assert_array_equal(track.matrices[3], np.eye(4))
        assert track.status[3] == "INVALID"
        assert sequence.image_status == ("OK",) * len(tiny_sweep)

    def test_a_bare_sweep_comes_back_bare(self, tmp_path, tiny_sweep):
        bare = replace(tiny_sweep, T_pixel_to_probe=None, pixel_spacing_xy_mm=None, sweep_id="")
        copy = metafile.read(metafile.write(tmp_path / "a.mha", from_sweep(bare))).to_sweep()
        assert copy.T_pixel_to_probe is None
        assert copy.pixel_spacing_xy_mm is None
        assert copy.imu is None
        assert copy.sweep_id == ""

    def test_the_caller_may_rename_and_recalibrate(self, tiny_sweep):
        copy = from_sweep(tiny_sweep).to_sweep(sweep_id="other", T_pixel_to_probe=np.eye(4))
        assert copy.sweep_id == "other"
        np.testing.assert_array_equal(copy.T_pixel_to_probe, np.eye(4))

    def test_lines_of_the_header_stay_short(self, tmp_path, tiny_sweep, rng):
        path = metafile.write(tmp_path / "a.mhd", from_sweep(self.full(tiny_sweep, rng)))
        assert max(map(len, path.read_text().splitlines())) < 1000

    @pytest.mark.parametrize("name", ["", "two words", "AToB"])
    def test_a_reference_that_cannot_name_a_transform_is_refused(self, name):
        with pytest.raises(ValueError, match="reference must be one plain word without 'To'"):
            sweep_fields.frame_name(name)


class TestConsistency:
    def test_a_track_must_have_one_status_per_matrix(self):
        with pytest.raises(ValueError, match=r"matrices must be \(2, 4, 4\).*got \(3, 4, 4\)"):
            TransformTrack(np.zeros((3, 4, 4)), ("OK", "OK"))

    @pytest.mark.parametrize("attribute", ["image_status", "frame_fields", "transforms"])
    def test_everything_is_stated_for_every_frame(self, attribute):
        parts = {"image_status": ("OK",) * COUNT, "frame_fields": {}, "transforms": {}}
        short = {
            "image_status": ("OK",),
            "frame_fields": {"Note": ("x",)},
            "transforms": {"AToB": TransformTrack(np.zeros((1, 4, 4)), ("OK",))},
        }
        parts[attribute] = short[attribute]
        with pytest.raises(ValueError, match="must have 3 frames, got 1"):
            Sequence(frames=pixels(), time_s=np.arange(3.0), **parts)

    def test_times_must_increase(self):
        with pytest.raises(ValueError, match="sequence: Timestamp must increase strictly"):
            Sequence(pixels(), np.array([0.0, 0.0, 1.0]), {}, ("OK",) * COUNT)
