"""The PLUS toolkit's own sequence files: all of their quirks, read and written back."""

import numpy as np
import pytest
import SimpleITK as sitk
from metafile_text import assert_same_sequence

from hipus.formats import metafile

pytestmark = pytest.mark.real

# Name, frames as (N, H, W), frames with a valid pose of the probe in the reference.
SWEEPS = {
    "SpinePhantomFreehand.igs.mha": ((21, 616, 820), 21),
    "NwirePhantomFreehand.igs.mha": ((97, 616, 820), 97),
    "NwirePhantomFreehand.igs.nrrd": ((97, 616, 820), 97),
    "NwirePhantomFreehandCropped.igs.mha": ((20, 150, 200), 20),
    "fCal_Test_Calibration_3NWires_fCal2.0.igs.mha": ((190, 616, 820), 190),
    "fCal_Test_Validation_3NWires_fCal2.0.igs.mha": ((103, 616, 820), 103),
}
OTHERS = {
    "BkCurvilinearScanConvertedData.igs.mha": (1, 400, 600),
    "Prostate10_tracker.igs.mha": (10, 1, 1),
    "ReferenceToRASCalibration.igs.mha": (93, 0, 0),
    "SyntheticTrackerBuffer20.igs.mha": (20, 1, 1),
    "SyntheticVideoBuffer20.igs.mha": (20, 240, 320),
    "TransformInterpolationTest.igs.mha": (500, 1, 1),
    "UsSimulatorOutputSpinePhantom2CurvilinearBaselineNoUS.igs.mha": (15, 1, 1),
    "UsSimulatorOutputSpinePhantom2CurvilinearBaselineNoUSCompressed.igs.mha": (15, 1, 1),
    "WaterTankBottomTranslationTrackerBuffer-trimmed.igs.mha": (801, 0, 0),
    "WaterTankBottomTranslationVideoBuffer.igs.mha": (201, 616, 820),
}
SHAPES = {name: shape for name, (shape, _) in SWEEPS.items()} | OTHERS


def read(real_file, name):
    return metafile.read(real_file(f"plus/{name}"))


class TestReading:
    @pytest.mark.parametrize("name", SHAPES)
    def test_every_file_is_read(self, real_file, name):
        sequence = read(real_file, name)
        assert sequence.frames.shape == SHAPES[name]
        assert sequence.has_images == (SHAPES[name][1] > 1)
        assert (np.diff(sequence.time_s) > 0).all()

    @pytest.mark.parametrize("name", SWEEPS)
    def test_every_sweep_is_valid_although_its_stylus_is_not(self, real_file, name):
        sweep = read(real_file, name).to_sweep(sweep_id=name)
        assert sweep.is_valid.sum() == SWEEPS[name][1]

    @pytest.mark.parametrize(
        "name",
        [
            "SpinePhantomFreehand.igs.mha",
            "SyntheticVideoBuffer20.igs.mha",
            "NwirePhantomFreehand.igs.nrrd",
            "UsSimulatorOutputSpinePhantom2CurvilinearBaselineNoUSCompressed.igs.mha",
        ],
    )
    def test_pixels_are_those_that_simpleitk_reads(self, real_file, name):
        sequence = read(real_file, name)
        expected = sitk.GetArrayFromImage(sitk.ReadImage(str(real_file(f"plus/{name}"))))
        # ITK takes the list axis of a NRRD file for the components of a 2D image.
        expected = np.moveaxis(expected, -1, 0) if name.endswith("nrrd") else expected
        for part in (slice(12, 15), slice(0, 2), slice(8, 9)):
            np.testing.assert_array_equal(sequence.frames[part], expected[part])

    def test_the_nrrd_and_the_metafile_of_one_sweep_are_equal(self, real_file):
        nrrd = read(real_file, "NwirePhantomFreehand.igs.nrrd")
        mha = read(real_file, "NwirePhantomFreehand.igs.mha")
        assert nrrd.orientation == mha.orientation == "MFA"
        np.testing.assert_array_equal(nrrd.time_s, mha.time_s)
        assert nrrd.image_status == mha.image_status
        assert list(nrrd.transforms) == list(mha.transforms)
        for name, track in mha.transforms.items():
            np.testing.assert_array_equal(nrrd.transforms[name].matrices, track.matrices)
            assert nrrd.transforms[name].status == track.status
        for start in range(0, len(mha), 16):
            part = slice(start, start + 16)
            np.testing.assert_array_equal(nrrd.frames[part], mha.frames[part])

    def test_cropped_frames_are_a_window_of_the_whole_ones(self, real_file):
        cropped = read(real_file, "NwirePhantomFreehandCropped.igs.mha")
        whole = read(real_file, "NwirePhantomFreehand.igs.mha")
        u, v = -cropped.transforms["ImageToCroppedImage"].matrices[0, :2, 3].astype(int)
        window = whole.frames[:20][:, v : v + 150, u : u + 200]
        np.testing.assert_array_equal(cropped.frames[:], window)


class TestQuirks:
    def test_a_transform_without_any_status_is_not_trusted(self, real_file):
        sequence = read(real_file, "TransformInterpolationTest.igs.mha")
        assert set(sequence.transforms["ReferenceToTracker"].status) == {""}
        assert "Stylus" in sequence.frame_fields
        assert np.isnan(sequence.chain("Probe", "Reference")).all()
        trusted = sequence.chain("Probe", "Reference", accepts_unstated=True)
        assert np.isfinite(trusted).all(axis=(1, 2)).sum() == 499

    def test_statuses_are_padded_but_ok(self, real_file):
        track = read(real_file, "Prostate10_tracker.igs.mha").transforms["ToolToTracker"]
        assert track.is_valid.all()
        np.testing.assert_array_equal(
            track.matrices[0, 0], [-0.208747, -0.972904, 0.0993168, 229.828]
        )

    def test_a_tracker_buffer_has_poses_without_images(self, real_file):
        log = read(real_file, "WaterTankBottomTranslationTrackerBuffer-trimmed.igs.mha")
        assert np.isfinite(log.chain("Probe", "Reference")).all()
        assert set(log.image_status) == {"INVALID"}

    def test_the_two_dimensional_file_has_three_digit_exponents(self, real_file):
        sequence = read(real_file, "BkCurvilinearScanConvertedData.igs.mha")
        assert sequence.transforms["ReferenceToTracker"].matrices[0, 0, 0] == 2.22045e-16

    def test_the_compressed_and_the_raw_one_are_equal(self, real_file):
        name = "UsSimulatorOutputSpinePhantom2CurvilinearBaselineNoUS{}.igs.mha"
        raw, compressed = (read(real_file, name.format(end)) for end in ("", "Compressed"))
        assert_same_sequence(raw, compressed)

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("SpinePhantomFreehandReconstructed.mha", "not a sequence"),
            ("vtkVolumeReconstructorTestNNLATEvolumeRef.mha", "declare 98 frames"),
            ("spine_NN_MEAN_05_float.mha", "ElementType must be MET_UCHAR"),
        ],
    )
    def test_a_volume_is_refused(self, real_file, name, message):
        with pytest.raises(ValueError, match=message):
            read(real_file, name)


class TestRoundTrip:
    @pytest.mark.parametrize("ending", ["mha", "mhd", "nrrd"])
    @pytest.mark.parametrize("name", SHAPES)
    def test_every_file_comes_back_from_every_format(self, real_file, tmp_path, name, ending):
        # Damage shows below, where every frame is compared; no need to look twice.
        sequence = metafile.read(real_file(f"plus/{name}"), checks_payload=False)
        path = tmp_path / f"copy.igs.{ending}"
        is_large = np.prod(SHAPES[name]) > 10_000_000
        metafile.write(path, sequence, compressed=is_large)
        assert_same_sequence(metafile.read(path, checks_payload=False), sequence)
