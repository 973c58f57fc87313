"""Training: where it begins, that it learns, and that a killed run changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_sweeps import TINY, made_cohort, made_sweep

from hipus.motion import drift, poses, training, training_state
from hipus.motion.arms import Arm
from hipus.motion.baselines import ConstantStep
from hipus.motion.batches import Batches, training_windows
from hipus.motion.network_prediction import merged_steps
from hipus.motion.target_scaling import TargetScaling
from hipus.motion.trained_model import TrainingSettings
from hipus.motion.training import final_drift_mm, fresh_network, train

SETTINGS = TrainingSettings(iterations=12, batch_size=8, validate_every=4, threads=1, seed=5)


@pytest.fixture(scope="module")
def cohort():
    return made_cohort(np.random.default_rng(11))


def weights_of(model):
    return model.network.state_dict()


def are_equal(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


class TestSettings:
    def test_one_length_is_given_and_an_epoch_counts_its_batches(self):
        assert SETTINGS.total(iterations_per_epoch=7) == 12
        assert TrainingSettings(epochs=3).total(iterations_per_epoch=7) == 21

    def test_the_rate_rises_for_a_twentieth_and_falls_to_zero(self):
        settings = TrainingSettings(iterations=1, learning_rate=2.0)
        rates = [settings.rate(i, 100) for i in range(100)]
        np.testing.assert_allclose(rates[:6], [0.4, 0.8, 1.2, 1.6, 2.0, 2.0])
        assert np.argmin(rates) == 99
        assert 0 < rates[-1] < 0.002
        np.testing.assert_allclose(settings.rate(52, 100), 1 + np.cos(np.pi * 47 / 95))

    @pytest.mark.parametrize(
        ("choices", "message"),
        [
            ({}, "exactly one of iterations and epochs must be given, got None and None"),
            ({"iterations": 2, "epochs": 2}, "exactly one of .*, got 2 and 2"),
            ({"epochs": 0}, r"iterations or epochs must be positive, got \[None, 0\]"),
            ({"epochs": 1, "batch_size": 0}, "batch_size must be positive, got 0"),
            ({"epochs": 1, "weight_decay": -1.0}, "weight_decay must not be negative, got -1.0"),
        ],
    )
    def test_refuses_other_numbers(self, choices, message):
        with pytest.raises(ValueError, match=message):
            TrainingSettings(**choices)


class TestBatches:
    def batches(self, cohort, arm=TINY, settings=SETTINGS):
        windows = training_windows(cohort[0], arm)
        scaling = TargetScaling.fit(windows, arm.rotation_numbers)
        return Batches(windows, arm=arm, scaling=scaling, settings=settings)

    def test_an_epoch_shows_windows_once_and_the_next_in_another_order(self, cohort):
        batches = self.batches(cohort)
        assert batches.per_epoch == 3 * 13 // 8
        firsts, seconds = (
            np.concatenate([batches[epoch * 4 + i].numbers[:, 0, -1] for i in range(4)])
            for epoch in range(2)
        )
        assert len(np.unique(firsts)) == len(firsts) == 32
        assert not np.array_equal(firsts, seconds)

    def test_a_batch_depends_on_its_iteration_alone(self, cohort):
        alone = self.batches(cohort)[6]
        *_, last = self.batches(cohort).ahead(0, 7)
        np.testing.assert_array_equal(alone.inputs, last.inputs)
        np.testing.assert_array_equal(alone.numbers, last.numbers)
        assert list(self.batches(cohort).ahead(3, 3)) == []

    def test_numbers_are_the_standardised_motion_of_their_inputs(self, cohort):
        batches = self.batches(cohort)
        batch = batches[2]
        np.testing.assert_allclose(
            batches.scaling.decode(batch.numbers), batch.T_next_to_previous, atol=1e-5
        )
        flow_u = batch.inputs[:, 1].mean(axis=(1, 2))
        z_mm = batch.T_next_to_previous[:, 0, 2, 3]
        assert np.corrcoef(flow_u, z_mm)[0, 1] > 0.99

    def test_the_correlation_loss_gets_groups_of_one_sweep(self, cohort):
        arm = replace(TINY, correlation_weight=0.5)
        settings = replace(SETTINGS, batch_size=16)
        for batch in self.batches(cohort, arm, settings).ahead(0, 4):
            assert np.count_nonzero(np.diff(batch.sweep_index)) <= 4

    def test_augmentation_skips_and_turns_but_travels_along_plus_z(self, cohort):
        batches = self.batches(cohort, replace(TINY, augment=True))
        assert set(batches.windows.stride) == {1, 2, 3}
        found = [batches[i] for i in range(batches.per_epoch)]
        z_mm = np.concatenate([batch.T_next_to_previous[:, 0, 2, 3] for batch in found])
        flow_u = np.concatenate([batch.inputs[:, 1].mean(axis=(1, 2)) for batch in found])
        plain = self.batches(cohort)[0].T_next_to_previous[:, 0, 2, 3]
        assert z_mm.mean() > 1.6 * plain.mean()
        assert np.mean(z_mm > 0) > 0.95
        assert 0.3 < np.mean(flow_u < 0) < 0.7

    def test_windows_on_lost_poses_are_not_trained_on(self, cohort, rng):
        sweep = made_sweep(rng)
        T = sweep.T_centre_to_world.copy()
        T[5] = np.nan
        batches = self.batches(([replace(sweep, T_centre_to_world=T)], None))
        assert np.isfinite(batches[0].numbers).all()
        assert len(batches.windows) - len(batches.windows.trainable) == 2

    def test_refuses_sweeps_without_a_tracked_window(self, cohort, rng):
        sweep = made_sweep(rng)
        T = sweep.T_centre_to_world.copy()
        T[::2] = np.nan
        scaling = self.batches(cohort).scaling
        windows = training_windows([replace(sweep, T_centre_to_world=T)], TINY)
        message = r"needs 2 neighbouring frames with tracked poses, got none in 1 sweeps \(S001/p_a"
        with pytest.raises(ValueError, match=message):
            Batches(windows, arm=TINY, scaling=scaling, settings=SETTINGS)


class TestStart:
    def test_before_the_first_update_a_network_is_the_constant_step(self, cohort):
        scaling = TargetScaling.fit(training_windows(cohort[0], TINY), 3)
        network = fresh_network(TINY, seed=5)
        (merged,) = merged_steps(network, TINY, scaling=scaling, sweeps=cohort[1][:1])
        mean_mm = np.concatenate(
            [poses.steps(sweep.T_centre_to_world)[:, :3, 3] for sweep in cohort[0]]
        ).mean(axis=0)
        expected = np.broadcast_to(mean_mm, (13, 3))
        np.testing.assert_allclose(merged.T_next_to_previous[:, :3, 3], expected, atol=1e-6)

    def test_history_begins_with_the_drift_of_the_constant_step(self, cohort, tmp_path):
        model = train(TINY, *cohort, settings=replace(SETTINGS, iterations=1), folder=tmp_path)
        constant = ConstantStep.fit(cohort[0])
        ends = [poses.chain(constant.predict(one).T_next_to_previous) for one in cohort[1]]
        errors = [
            drift.absolute_errors(drift.from_first_frame(T, one.T_centre_to_world)).distance_mm[-1]
            for T, one in zip(ends, cohort[1], strict=True)
        ]
        assert model.history[0].iteration == 0
        assert np.isnan(model.history[0].loss)
        assert model.history[0].validation_drift_mm == pytest.approx(np.mean(errors), rel=1e-3)

    def test_equal_seeds_draw_equal_weights_and_leave_torchs_own_alone(self):
        torch.manual_seed(1)
        expected = torch.rand(1)
        torch.manual_seed(1)
        first, again, other = (fresh_network(TINY, seed=seed) for seed in (5, 5, 6))
        assert torch.equal(torch.rand(1), expected)
        assert are_equal(first.state_dict(), again.state_dict())
        assert not are_equal(first.state_dict(), other.state_dict())


class TestTrain:
    def test_learns_what_can_be_read_off_the_flow(self, cohort, tmp_path):
        settings = replace(SETTINGS, iterations=80, validate_every=40, learning_rate=3e-3)
        model = train(TINY, *cohort, settings=settings, folder=tmp_path)
        assert [row.iteration for row in model.history] == [0, 40, 80]
        assert model.history[-1].loss < 0.8 * model.history[1].loss
        drifts = [row.validation_drift_mm for row in model.history]
        assert drifts[-1] < 0.7 * drifts[0]
        assert model.training_subjects == ("S001", "S002", "S003")
        assert set(model.reference_pictures) == {"p_a"}
        assert set(model.calibrations) == {"network", "with_imu"}
        with_imu, alone = (model.calibrations[kind].floor for kind in ("with_imu", "network"))
        assert (with_imu[3:] < 0.2 * alone[3:]).all()

    def test_a_killed_run_goes_on_to_the_same_bits(self, cohort, tmp_path, monkeypatch):
        straight = train(TINY, *cohort, settings=SETTINGS, folder=tmp_path / "straight")
        make = Batches.__getitem__

        def killed(batches, iteration):
            if iteration == 7:  # between two checkpoints
                raise KeyboardInterrupt
            return make(batches, iteration)

        monkeypatch.setattr(Batches, "__getitem__", killed)
        with pytest.raises(KeyboardInterrupt):
            train(TINY, *cohort, settings=SETTINGS, folder=tmp_path / "killed")
        seen = []
        monkeypatch.setattr(Batches, "__getitem__", lambda own, i: seen.append(i) or make(own, i))
        resumed = train(TINY, *cohort, settings=SETTINGS, folder=tmp_path / "killed")
        assert seen == list(range(4, 12))
        assert are_equal(weights_of(straight), weights_of(resumed))
        assert repr(straight.history) == repr(resumed.history)  # a NaN equals no other

    def test_a_finished_training_is_not_run_again(self, cohort, tmp_path, monkeypatch):
        first = train(TINY, *cohort, settings=SETTINGS, folder=tmp_path)
        monkeypatch.setattr(Batches, "__getitem__", None)
        renamed = replace(TINY, name="other", uses_imu=False)
        again = train(renamed, *cohort, settings=SETTINGS, folder=tmp_path)
        assert again.arm.name == "other"
        assert are_equal(weights_of(first), weights_of(again))

    @pytest.mark.parametrize(
        "arm",
        [
            replace(TINY, targets="apart", rotation_numbers=9),
            replace(TINY, augment=True, rotation_numbers=4),
            Arm(
                "field",
                "displacement_field",
                frames=3,
                channels=("intensity",),
                correlation_weight=0.5,
                field_weight=1.0,
                rigidity_weight=0.1,
            ),
        ],
        ids=["two_networks", "augmented", "field"],
    )
    def test_every_kind_of_arm_moves_all_its_weights(self, arm, cohort, tmp_path):
        settings = replace(SETTINGS, iterations=3, batch_size=4)
        model = train(arm, *cohort, settings=settings, folder=tmp_path)
        fresh = fresh_network(arm, settings.seed)
        moved = [
            not torch.equal(before, after)
            for before, after in zip(fresh.parameters(), model.network.parameters(), strict=True)
        ]
        assert all(moved)
        assert np.isfinite([row.validation_drift_mm for row in model.history]).all()

    def test_refuses_nothing_to_learn_from_and_subjects_on_both_sides(self, cohort, tmp_path):
        with pytest.raises(ValueError, match="training and validation must hold sweeps, got 3 and"):
            train(TINY, cohort[0], [], settings=SETTINGS, folder=tmp_path)
        message = "must not be trained and validated on, got S002 in both"
        with pytest.raises(ValueError, match=message):
            train(TINY, cohort[0], cohort[0][1:2], settings=SETTINGS, folder=tmp_path)

    def test_a_field_needs_the_size_of_the_picture(self, cohort, tmp_path):
        arm = Arm("field", "displacement_field", frames=3, channels=("intensity",))
        unsized = [replace(cohort[0][0], pixel_spacing_xy_mm=None)]
        with pytest.raises(ValueError, match="S001/p_a has no pixel_spacing_xy_mm"):
            train(arm, unsized, cohort[1], settings=SETTINGS, folder=tmp_path)

    def test_points_of_a_field_follow_columns_and_rows(self, cohort):
        points = training._points(cohort[0][0])
        width_mm, height_mm = 30 * 0.4, 20 * 0.5
        expected = [width_mm * 3 / 7, -height_mm * 3 / 7, 0]
        np.testing.assert_allclose(points[0, -1], expected, rtol=1e-6)

    def test_the_bar_is_silent_where_nobody_watches(self, cohort, tmp_path, capfd):
        train(TINY, *cohort, settings=SETTINGS, folder=tmp_path)
        assert capfd.readouterr().err == ""


class TestFinalDrift:
    def test_a_step_too_long_by_half_a_millimetre_ends_that_far_off(self, rng):
        sweep = made_sweep(rng)
        steps = poses.steps(sweep.T_centre_to_world)
        steps[0, 2, 3] += 0.5
        merged = type("Merged", (), {"T_next_to_previous": steps})
        assert final_drift_mm(merged, sweep) == pytest.approx(0.5)


class TestTrainingState:
    def key(self, arm=TINY, settings=SETTINGS, **sweeps):
        network = fresh_network(TINY, seed=5)
        return training_state.key(arm, settings, network=network, **sweeps)

    def test_the_key_follows_all_that_moves_a_weight_and_nothing_else(self, cohort):
        sweeps = {"training": cohort[0], "validation": cohort[1]}
        key = self.key(**sweeps)
        assert key == self.key(**sweeps)
        assert key == self.key(replace(TINY, name="b", uses_imu=False), **sweeps)
        moved = replace(cohort[0][0], thumbnails=cohort[0][0].thumbnails + 1)
        others = [
            self.key(replace(TINY, rotation_numbers=6), **sweeps),
            self.key(settings=replace(SETTINGS, threads=2), **sweeps),
            self.key(**sweeps | {"training": [moved, *cohort[0][1:]]}),
            self.key(**sweeps | {"validation": cohort[1][:1]}),
        ]
        assert len({key, *others}) == 5

    def test_a_sweep_is_known_by_its_further_maps_too(self, rng):
        sweep = made_sweep(rng)
        prints = {
            training_state.fingerprint(one)
            for one in (
                sweep,
                sweep.with_extra(correlation=np.zeros((13, 16, 16))),
                sweep.with_extra(correlation=np.ones((13, 16, 16))),
            )
        }
        assert len(prints) == 3

    def test_there_is_no_state_before_the_first(self, tmp_path):
        assert training_state.read(tmp_path / "none") is None

    def test_refuses_a_damaged_file(self, tmp_path):
        (tmp_path / "state.pt").write_bytes(b"not torch")
        with pytest.raises(ValueError, match=r"state.pt in .* is not a checkpoint .*; delete "):
            training_state.read(tmp_path)
