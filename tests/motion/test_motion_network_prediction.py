"""Predictions of a trained network, and the files it is kept in."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_sweeps import TINY, made_cohort, made_sweep

from hipus import rotations
from hipus.motion import poses
from hipus.motion.arms import Arm
from hipus.motion.model_file import load, save
from hipus.motion.network_prediction import NetworkPredictor, evaluating, merged_steps
from hipus.motion.prediction import Predictor, trajectory
from hipus.motion.trained_model import TrainingSettings
from hipus.motion.training import train
from hipus.motion.uncertainty import step_errors, within_one_deviation

FOUR = replace(TINY, name="four", frames=4)


@pytest.fixture(scope="module")
def cohort():
    return made_cohort(np.random.default_rng(12), training=4, validation=4)


@pytest.fixture(scope="module")
def model(cohort, tmp_path_factory):
    """Return a model of windows of four frames."""
    settings = TrainingSettings(iterations=60, batch_size=8, validate_every=60, threads=1)
    folder = tmp_path_factory.mktemp("work")
    return train(FOUR, *cohort, settings=settings, folder=folder)


def rotation_error_deg(prediction, sweep):
    true = poses.steps(sweep.T_centre_to_world)
    errors = step_errors(prediction.T_next_to_previous, true)[:, 3:]
    return float(np.sqrt(np.mean(errors**2)))


class TestNetworkPredictor:
    def test_is_a_predictor_under_its_arms_name(self, model):
        assert isinstance(NetworkPredictor(model), Predictor)
        assert NetworkPredictor(model).name == "four"

    def test_never_looks_at_poses(self, model, rng):
        sweep = made_sweep(rng)
        untracked = replace(sweep, T_centre_to_world=np.full((len(sweep), 4, 4), np.nan))
        said, again = (NetworkPredictor(model).predict(one) for one in (sweep, untracked))
        np.testing.assert_array_equal(said.T_next_to_previous, again.T_next_to_previous)
        np.testing.assert_array_equal(said.sd_mm, again.sd_mm)

    def test_inertial_rotation_replaces_what_the_network_cannot_know(self, model, rng):
        sweep = made_sweep(rng, count=40)
        fused = NetworkPredictor(model).predict(sweep)
        alone = replace(model, arm=replace(FOUR, uses_imu=False))
        bare = NetworkPredictor(alone).predict(sweep)
        assert rotation_error_deg(fused, sweep) < 0.3 * rotation_error_deg(bare, sweep)
        translations = [one.T_next_to_previous[:, :3, 3] for one in (fused, bare)]
        np.testing.assert_array_equal(*translations)
        assert (fused.sd_deg < 0.3 * bare.sd_deg).all()

    def test_without_an_imu_it_warns_and_answers_as_the_network_alone(self, model, rng, caplog):
        sweep = made_sweep(rng, has_imu=False)
        with caplog.at_level(logging.WARNING):
            said = NetworkPredictor(model).predict(sweep)
        assert "sweep S001/p_a has no inertial rotation: rotations of 'four'" in caplog.text
        alone = replace(model, arm=replace(FOUR, uses_imu=False))
        bare = NetworkPredictor(alone).predict(sweep)
        np.testing.assert_array_equal(said.T_next_to_previous, bare.T_next_to_previous)
        np.testing.assert_array_equal(said.sd_deg, bare.sd_deg)

    def test_a_gap_of_the_imu_has_the_networks_rotation_and_deviation(self, model, rng):
        sweep = made_sweep(rng)
        turns = sweep.imu_rotations.copy()
        turns[3:5] = np.nan
        said = NetworkPredictor(model).predict(replace(sweep, imu_rotations=turns))
        alone = replace(model, arm=replace(FOUR, uses_imu=False))
        bare = NetworkPredictor(alone).predict(sweep)
        is_bare = np.isclose(said.T_next_to_previous, bare.T_next_to_previous).all(axis=(1, 2))
        assert np.flatnonzero(is_bare).tolist() == [3, 4]
        np.testing.assert_array_equal(said.sd_deg[3:5], bare.sd_deg[3:5])
        assert (said.sd_deg[5:] < bare.sd_deg[5:]).all()

    def test_deviations_hold_on_sweeps_never_seen(self, model):
        rng = np.random.default_rng(77)
        errors, deviations = [], []
        for _ in range(15):
            sweep = made_sweep(rng, "S900", count=20)
            said = NetworkPredictor(model).predict(sweep)
            true = poses.steps(sweep.T_centre_to_world)
            errors.append(step_errors(said.T_next_to_previous, true))
            deviations.append(np.hstack([said.sd_mm, said.sd_deg]))
        share = within_one_deviation(np.concatenate(errors), np.concatenate(deviations))
        # Lateral, elevational and the rotations; nothing moves along the axial axis.
        assert ((share[[0, 2, 3, 4, 5]] > 0.5) & (share[[0, 2, 3, 4, 5]] < 0.85)).all()

    def test_a_mirrored_sweeps_trajectory_is_told_in_the_picture(self, model, rng):
        sweep = made_sweep(rng, is_mirrored=True)
        said = NetworkPredictor(model).predict(sweep)
        found = trajectory(said, sweep)
        assert found.T_centre_to_first[-1, 2, 3] < -2
        assert poses.chain(said.T_next_to_previous)[-1, 2, 3] > 2

    def test_refuses_other_sizes_and_sweeps_shorter_than_a_window(self, model, rng):
        with pytest.raises(ValueError, match="S001/p_a has thumbnails of 24 px, but model 'four'"):
            NetworkPredictor(model).predict(made_sweep(rng, px=24))
        with pytest.raises(ValueError, match="must have at least 4 frames, got 3"):
            NetworkPredictor(model).predict(made_sweep(rng, count=3))

    def test_a_model_without_calibration_states_no_deviations(self, model, rng):
        bare = NetworkPredictor(replace(model, calibrations={}, imu_sd_deg=None))
        said = bare.predict(made_sweep(rng))
        assert said.sd_mm is None
        assert said.shared is None


class TestMergedSteps:
    def test_every_step_is_the_mean_of_the_windows_that_hold_it(self, model, rng):
        sweep = made_sweep(rng, count=9)
        asked = {"scaling": model.scaling, "sweeps": [sweep]}
        (overlapping,) = merged_steps(model.network, FOUR, **asked)
        (apart,) = merged_steps(model.network, replace(FOUR, overlap=False), **asked)
        assert overlapping.counts.tolist() == [1, 2, 3, 3, 3, 3, 2, 1]
        assert apart.counts.tolist() == [1, 1, 1, 1, 1, 2, 1, 1]
        np.testing.assert_allclose(
            overlapping.T_next_to_previous[0], apart.T_next_to_previous[0], atol=1e-9
        )
        off_mm = overlapping.T_next_to_previous[2, :3, 3] - apart.T_next_to_previous[2, :3, 3]
        assert np.abs(off_mm).max() > 1e-6

    def test_a_sweep_is_told_the_same_beside_others(self, model, cohort):
        asked = {"scaling": model.scaling}
        together = merged_steps(model.network, FOUR, sweeps=cohort[1], **asked)
        (alone,) = merged_steps(model.network, FOUR, sweeps=cohort[1][1:2], **asked)
        np.testing.assert_allclose(
            together[1].T_next_to_previous, alone.T_next_to_previous, atol=1e-6
        )

    def test_a_network_is_left_in_the_mode_it_was_in(self, model):
        for mode in (True, False):
            model.network.train(mode)
            with evaluating(model.network):
                assert not model.network.training
            assert model.network.training == mode


class TestModelFile:
    def test_what_is_loaded_predicts_the_same_and_knows_the_same(self, model, rng, tmp_path):
        loaded = load(save(model, tmp_path / "model"))
        sweep = made_sweep(rng)
        said, again = (NetworkPredictor(one).predict(sweep) for one in (model, loaded))
        for name in ("T_next_to_previous", "sd_mm", "sd_deg", "shared"):
            np.testing.assert_allclose(getattr(said, name), getattr(again, name), atol=1e-12)
        assert (loaded.arm, loaded.settings) == (model.arm, model.settings)
        assert repr(loaded.history) == repr(model.history)
        assert loaded.training_subjects == ("S001", "S002", "S003", "S004")
        assert loaded.origin == "simulated"
        np.testing.assert_array_equal(
            loaded.reference_pictures["p_a"], model.reference_pictures["p_a"]
        )

    def test_an_uncalibrated_model_keeps_no_deviations(self, model, tmp_path):
        bare = replace(model, calibrations={}, imu_sd_deg=None)
        loaded = load(save(bare, tmp_path))
        assert loaded.calibrations == {}
        assert loaded.imu_sd_deg is None

    def test_unknown_numbers_stay_unknown(self, model, tmp_path):
        coverage = np.array([np.nan, 0.5, 1, 1, 1, 1])
        calibration = replace(model.calibrations["network"], coverage=coverage)
        save(replace(model, calibrations={"network": calibration}), tmp_path)
        np.testing.assert_array_equal(load(tmp_path).calibrations["network"].coverage, coverage)
        assert "NaN" not in (tmp_path / "model.json").read_text()

    def test_two_files_and_versions_of_what_made_them(self, model, tmp_path):
        save(model, tmp_path / "model")
        assert {path.name for path in (tmp_path / "model").iterdir()} == {
            "model.json",
            "weights.pt",
        }
        about = json.loads((tmp_path / "model" / "model.json").read_text())
        assert about["versions"]["torch"] == torch.__version__

    def test_the_published_network_takes_less_than_20_mb(self, model, tmp_path):
        from hipus.motion.arms import named
        from hipus.motion.training import fresh_network

        network = fresh_network(named("published"), 0)
        save(replace(model, arm=named("published"), network=network), tmp_path)
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 20e6

    def test_refuses_a_folder_without_a_model(self, model, tmp_path):
        with pytest.raises(FileNotFoundError, match="is no motion model: it has no model.json"):
            load(tmp_path)
        save(model, tmp_path)
        (tmp_path / "weights.pt").unlink()
        with pytest.raises(FileNotFoundError, match="is no motion model: it has no weights.pt"):
            load(tmp_path)

    def test_refuses_weights_of_another_hash(self, model, tmp_path):
        save(model, tmp_path)
        weights = tmp_path / "weights.pt"
        weights.write_bytes(weights.read_bytes() + b"x")
        with pytest.raises(
            ValueError, match=r"must have the SHA-256 \w{64} that model.json states"
        ):
            load(tmp_path)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda about: about.pop("scaling"), "model.json lacks scaling"),
            (
                lambda about: about["arm"].update(network="resnet"),
                r"model.json holds a wrong setting: arm 'four': network must be one of",
            ),
            (
                lambda about: about["arm"].update(depth=3),
                r"model.json holds a wrong setting: .*'depth'",
            ),
            (
                lambda about: about.update(calibrations=[]),
                r"model.json holds a wrong setting: calibrations must be an object, got \[\]",
            ),
            (
                lambda about: about.update(history=[[]]),
                r"model.json holds a wrong setting: a row of history must be an object, got \[\]",
            ),
            (
                lambda about: about["arm"].update(network="dcl_net", channels=["intensity"]),
                r"of another architecture than arm 'four' \(dcl_net\): Missing key",
            ),
            (
                lambda about: about["arm"].update(rotation_numbers=9),
                r"of another architecture than arm 'four' \(prevost\): size mismatch",
            ),
        ],
        ids=[
            *("missing_key", "unknown_network", "unknown_choice", "calibrations", "history"),
            *("network", "size"),
        ],
    )
    def test_refuses_settings_that_do_not_fit(self, model, tmp_path, change, message):
        save(model, tmp_path)
        path = tmp_path / "model.json"
        about = json.loads(path.read_text())
        change(about)
        path.write_text(json.dumps(about))
        with pytest.raises(ValueError, match=message):
            load(tmp_path)

    def test_refuses_what_is_not_json_or_not_weights(self, model, tmp_path):
        save(model, tmp_path)
        about = json.loads((tmp_path / "model.json").read_text())
        (tmp_path / "model.json").write_text("{")
        with pytest.raises(ValueError, match=r"model.json is not JSON"):
            load(tmp_path)
        from hipus.files import sha256

        (tmp_path / "weights.pt").write_bytes(b"weights")
        about["sha256"] = sha256(tmp_path / "weights.pt")
        (tmp_path / "model.json").write_text(json.dumps(about))
        with pytest.raises(ValueError, match=r"weights.pt holds no weights of a motion model"):
            load(tmp_path)


class TestFieldNetwork:
    def test_its_numbers_are_asked_for_not_its_field(self, cohort, tmp_path):
        arm = Arm("field", "displacement_field", frames=3, channels=("intensity",), field_weight=1)
        settings = TrainingSettings(iterations=1, batch_size=4, threads=1)
        model = train(arm, *cohort, settings=settings, folder=tmp_path)
        said = NetworkPredictor(model).predict(cohort[1][0])
        R = said.T_next_to_previous[:, :3, :3]
        rotations.check_rotation(R)
        assert len(R) == 13
