"""Models of simulated motion on real recordings: made ones by hand, real ones where present."""

import logging
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from study_folders import make_study_folder

from hipus import config, geometry, paths, rotations, tables
from hipus.formats import metafile
from hipus.motion import model_file, networks
from hipus.motion.arms import named
from hipus.motion.network_prediction import NetworkPredictor
from hipus.motion.poses import centre_poses
from hipus.motion.prediction import StepPrediction
from hipus.motion.stored_models import SWEEP_CONTEXT, StoredModel
from hipus.motion.target_scaling import TargetScaling
from hipus.motion.trained_model import TrainedModel, TrainingSettings
from hipus.reconstruction.region import ImageRegion
from hipus.stages import motion_recordings, motion_transfer
from hipus.sweep import Sweep

STEP_MM = (0.1, -0.2, 0.8)
PX = 20
#: Anisotropic pixels, and a picture that sits obliquely in the probe.
T_PIXEL_TO_PROBE = geometry.transform(
    rotations.from_rotation_vector([0.4, -1.1, 0.7]) @ np.diag([0.3, 0.4, 1.0]), [4.0, -3.0, 20.0]
)


def recorded(rng, *, sign: int = 1, count: int = 9) -> Sweep:
    """Return a tracked sweep of noise in even steps of the picture's centre, one pose lost."""
    shape = (34, 40)
    middle = geometry.transform(np.diag([0.3, 0.4, 1.0]), None)
    corner = geometry.apply(middle, np.array([19.5, 16.5, 0.0]))
    T_probe_to_centre = geometry.invert(
        geometry.compose(
            geometry.transform(rotations.from_rotation_vector([0.4, -1.1, 0.7]), [4.0, -3.0, 20.0]),
            geometry.transform(None, corner),
        )
    )
    away = np.arange(count)[:, None] * np.array(STEP_MM) * [1, 1, sign]
    poses = geometry.compose(geometry.transform(None, away), T_probe_to_centre)
    poses[4] = np.nan
    return Sweep(
        rng.integers(0, 256, (count, *shape), dtype=np.uint8),
        time_s=np.arange(count) / 10,
        T_probe_to_reference=poses,
        T_pixel_to_probe=T_PIXEL_TO_PROBE,
        sweep_id="made",
    )


@dataclass(frozen=True)
class Half:
    """Says half of the true step, always, along +z."""

    name: str = "half"

    def predict(self, prepared) -> StepPrediction:
        """Return half steps along +z, as every model learned it."""
        T = geometry.transform(None, np.array(STEP_MM) / 2)
        return StepPrediction(np.tile(T, (len(prepared) - 1, 1, 1)))


@pytest.fixture
def half() -> StoredModel:
    """Return a stored model that is no network."""
    return StoredModel(folder=None, kind=SWEEP_CONTEXT, predictor=Half(), input_px=PX)


def published(step_mm: float = 0.6, input_px: int = 64) -> TrainedModel:
    """Return the published network as it begins: it says the mean training step."""
    mean = np.zeros(9)
    mean[8] = step_mm
    return TrainedModel(
        arm=named("published"),
        network=networks.channels_last(networks.published_network()).eval(),
        scaling=TargetScaling(6, mean, np.full(9, 1e-2)),
        settings=TrainingSettings(iterations=1),
        input_px=input_px,
        training_subjects=("S001",),
        history=(),
    )


class TestCut:
    """Pixels stay where they are in space."""

    def test_pixels_keep_grey_and_place(self, rng):
        sweep = recorded(rng)
        cut = motion_recordings.cut(sweep, ImageRegion(5, 3, 20, 16))
        assert cut.frames.shape == (9, 16, 20)
        np.testing.assert_array_equal(cut.frames, sweep.frames[:, 3:19, 5:25])
        np.testing.assert_allclose(
            geometry.apply(cut.T_pixel_to_reference[2], np.array([[1.0, 2.0, 0.0]])),
            geometry.apply(sweep.T_pixel_to_reference[2], np.array([[6.0, 5.0, 0.0]])),
        )
        assert cut.pixel_spacing_xy_mm == pytest.approx((0.3, 0.4))

    @pytest.mark.parametrize("region", [ImageRegion(21, 0, 20, 10), ImageRegion(0, 30, 10, 5)])
    def test_region_must_lie_in_the_frames(self, rng, region):
        with pytest.raises(ValueError, match="region must fit into the 34 x 40 px of sweep 'made'"):
            motion_recordings.cut(recorded(rng), region)

    def test_uncalibrated_sweep_is_refused(self, rng):
        sweep = replace(recorded(rng), T_pixel_to_probe=None)
        with pytest.raises(ValueError, match="'made' has no T_pixel_to_probe"):
            motion_recordings.cut(sweep, ImageRegion(0, 0, 9, 9))


class TestRecordings:
    """What is compared with what."""

    @pytest.mark.parametrize(("sign", "side"), [(1, "right"), (-1, "left")])
    def test_direction_is_that_of_a_hip_swept_alike(self, rng, sign, side):
        assert motion_recordings.direction(recorded(rng, sign=sign)) == side

    def test_made_recording_is_described_in_its_own_units(self, rng):
        row = motion_transfer.described(motion_recordings.RECORDINGS[0], recorded(rng))
        length_mm = np.linalg.norm(STEP_MM)
        assert row["frame_spacing_mm"] == pytest.approx(length_mm)
        assert row["path_mm"] == pytest.approx(6 * length_mm)  # two steps touch the lost pose
        assert (row["width_mm"], row["height_mm"]) == pytest.approx((12.0, 13.6))
        assert row["rate_hz"] == pytest.approx(10)

    def test_training_row_is_of_training_sweeps_only(self, rng, study, monkeypatch):
        table = pd.DataFrame(
            {
                "subject_id": ["S001", "S002", "S101"],
                "sweep_id": ["left_p_a"] * 3,
                "frame_count": [11, 21, 99],
                "path_mm": [10.0, 40.0, 999.0],
                "duration_s": [1.0, 4.0, 9.0],
            }
        )
        tables.write(table, paths.table_file(study.profile, "cohort_sweeps"), key=["subject_id"])
        monkeypatch.setattr(
            motion_recordings.motion_data, "sweep_rows", lambda study, split: table[:2]
        )
        cohort = SimpleNamespace(sweep=lambda subject_id, sweep_id: recorded(rng))
        monkeypatch.setattr(motion_recordings.motion_data, "cohort_of", lambda study: cohort)
        row = motion_recordings.training(study)
        assert (row["frames"], row["path_mm"], row["duration_s"]) == (16, 25, 2.5)
        assert row["rate_hz"] == pytest.approx(7.5)
        assert row["frame_spacing_mm"] == pytest.approx(1.5)
        assert (row["width_mm"], row["height_mm"]) == pytest.approx((12.0, 13.6))


@pytest.mark.parametrize("sign", [1, -1])
class TestJudge:
    """A model that says half of each step, of sweeps that go either way."""

    @pytest.fixture
    def rows(self, rng, half, sign) -> pd.DataFrame:
        """Return the rows by arm and scale."""
        rows, _ = motion_transfer.judge("made", recorded(rng, sign=sign), [half])
        return rows.set_index(["arm", "scale"])

    def test_identity_ends_off_by_the_whole_way(self, rows):
        row = rows.loc[("identity", "as predicted")]
        way_mm = 8 * np.linalg.norm(STEP_MM)
        assert row["final_mm"] == pytest.approx(way_mm)
        assert row["path_mm"] == pytest.approx(way_mm)  # across the lost pose as well
        assert row["final_rate_of_path_percent"] == pytest.approx(100)
        assert row["relative_mm"] == pytest.approx(np.linalg.norm(STEP_MM))
        assert row["step_length_ratio"] == 0
        assert np.isnan(row["elevational_correlation"])

    def test_own_mean_step_follows_even_steps_exactly(self, rows):
        row = rows.loc[(motion_transfer.ORACLE_STEP, "as predicted")]
        assert row["final_mm"] == pytest.approx(0, abs=1e-6)
        assert row["relative_mm"] == pytest.approx(0, abs=1e-6)

    def test_half_steps_end_half_way(self, rows):
        row = rows.loc[("half", "as predicted")]
        assert row["final_rate_of_path_percent"] == pytest.approx(50)
        assert row["final_elevational_mm"] == pytest.approx(3.2)
        assert row["bias_elevational_mm"] == pytest.approx(-0.4)
        assert row["step_length_ratio"] == pytest.approx(0.5)
        assert row["frames"] == 8

    def test_oracle_scale_leaves_the_shape_alone(self, rows):
        row = rows.loc[("half", "oracle scale")]
        assert row["scale_factor"] == pytest.approx(2)
        assert row["step_length_ratio"] == pytest.approx(1)
        assert row["final_mm"] == pytest.approx(0, abs=1e-6)

    def test_what_has_no_scale_or_the_true_one_is_not_scaled(self, rows):
        scaled = {arm for arm, scale in rows.index if scale == "oracle scale"}
        assert scaled == {"half"}

    def test_columns_are_those_of_the_skip(self, rows):
        assert set(motion_transfer._COLUMNS["motion_transfer"]) == (
            {"arm", "scale"} | set(rows.columns)
        )


class TestNetworks:
    """A network's own training mean stands beside it."""

    def test_untrained_network_says_the_constant_step(self, rng, caplog):
        model = StoredModel(None, "network", NetworkPredictor(published(input_px=32)), 32)
        caplog.set_level(logging.WARNING)
        rows, steps = motion_transfer.judge("made", recorded(rng), [model])
        rows = rows[rows["scale"] == "as predicted"].set_index("arm")
        assert rows.loc["published", "final_mm"] == pytest.approx(
            rows.loc["constant step", "final_mm"], rel=1e-5
        )
        assert "no inertial rotation" in caplog.text
        said = steps[steps["arm"] == "published"]
        np.testing.assert_allclose(said["predicted_mm"], 0.6, atol=1e-5)
        assert said["frame_index"].tolist() == list(range(1, 9))
        assert said["tracked_mm"].isna().tolist() == [False] * 3 + [True] * 2 + [False] * 3

    def test_poses_of_a_recording_are_never_looked_at(self, rng):
        model = StoredModel(None, "network", NetworkPredictor(published(input_px=32)), 32)
        sweep = recorded(rng)
        crooked = sweep.T_probe_to_reference.copy()
        crooked[5:, :3, 3] += 7
        for one in (sweep, replace(sweep, T_probe_to_reference=crooked)):
            _, steps = motion_transfer.judge("made", one, [model])
            said = steps[steps["arm"] == "published"]["predicted_mm"].to_numpy()
            np.testing.assert_allclose(said, 0.6, atol=1e-5)


class TestSkip:
    """Without the real files there are columns, no rows and a list of what is missing."""

    def test_tables_are_empty_and_say_what_is_missing(self, study, caplog):
        assert motion_transfer.main(study) == []
        for name, columns in motion_transfer._COLUMNS.items():
            table = tables.read(paths.table_file(study.profile, name))
            assert list(table.columns) == columns
            assert table.empty
        missing = tables.read(paths.table_file(study.profile, "motion_transfer_missing"))
        assert len(missing) == 5
        found = tables.read_metrics(paths.metrics_file(study.profile, "motion_transfer"))
        assert found == {"recordings_total": 0}
        assert "motion_transfer SKIPPED: 5 real files are absent" in caplog.text


@pytest.mark.real
class TestRealRecordings:
    """The public recordings, with a network that knows nothing yet."""

    @pytest.fixture
    def found(self, real_file) -> dict:
        """Return the local files, skipping where one is absent."""
        names = motion_recordings.files_of(motion_recordings.RECORDINGS)
        return {name: real_file(name) for name in names}

    def test_spine_goes_one_way_and_wires_to_and_fro(self, found):
        spine, *wires = (motion_recordings.read(one, found) for one in motion_recordings.RECORDINGS)
        row = motion_transfer.described(motion_recordings.RECORDINGS[0], spine)
        assert (row["frames"], row["rows_px"], row["columns_px"]) == (21, 580, 432)
        assert (row["width_mm"], row["height_mm"]) == pytest.approx((36.9, 45.8), abs=0.1)
        assert row["path_mm"] == pytest.approx(33.6, abs=0.1)
        assert row["frame_spacing_mm"] == pytest.approx(1.64, abs=0.01)
        assert motion_recordings.direction(spine) == "left"
        for sweep in wires:
            centre = centre_poses(sweep)[:, :3, 3]
            path_mm = np.linalg.norm(np.diff(centre, axis=0), axis=1).sum()
            assert np.linalg.norm(centre[-1] - centre[0]) < path_mm / 2

    @pytest.mark.parametrize("place", range(3))
    def test_nothing_bright_lies_outside_of_the_region(self, found, place):
        recording = motion_recordings.RECORDINGS[place]
        whole = np.asarray(metafile.read(found[recording.sequence]).frames[:])
        total = whole.sum(dtype=np.int64)
        inside = motion_recordings.read(recording, found).frames.sum(dtype=np.int64)
        assert inside > 0.94 * total

    def test_stage_writes_what_it_promises(self, found, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_ROOT", str(make_study_folder(tmp_path)))
        study = config.load("smoke")
        folder = paths.results_dir("smoke") / "models" / "motion" / "published"
        model_file.save(published(), folder)
        monkeypatch.setattr(motion_transfer, "ARMS", ("published",))
        row = dict.fromkeys(motion_transfer._COLUMNS["motion_transfer_recordings"], 1)
        monkeypatch.setattr(
            motion_transfer, "training", lambda study: row | {"recording": "simulated"}
        )
        inputs = motion_transfer.main(study)
        assert {path.name for path in inputs} >= {"weights.pt", "model.json"}
        assert len(inputs) == 7
        rows = tables.read(paths.table_file("smoke", "motion_transfer"))
        assert len(rows) == 3 * 6
        spine = rows[rows["recording"] == "spine phantom"].set_index(["arm", "scale"])
        metrics = tables.read_metrics(paths.metrics_file("smoke", "motion_transfer"))
        assert metrics["origin"] == "real"
        assert metrics["spine_published_oracle_scale_final_mm"] == pytest.approx(
            spine.loc[("published", "oracle scale"), "final_mm"]
        )
        # Told the scale, a constant step is off by the constant in-plane part alone.
        assert spine.loc[("identity", "as predicted"), "final_mm"] == pytest.approx(33.1, abs=0.1)
        assert 5 < spine.loc[("published", "oracle scale"), "final_mm"] < 15

    def test_model_that_was_not_made_names_its_stage(self, found, tmp_path, monkeypatch):
        monkeypatch.setenv("HIPUS_ROOT", str(make_study_folder(tmp_path)))
        another = paths.results_dir("smoke") / "models" / "motion" / "another" / "model.json"
        another.parent.mkdir(parents=True)
        another.write_text("{}")
        with pytest.raises(FileNotFoundError, match="model 'published' is missing.*Stage `motion`"):
            motion_transfer.main(config.load("smoke"))
