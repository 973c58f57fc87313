"""Stage `realism`: its tables on made pictures, with and without real ones, and labelled grey."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from hipus import geometry, parallel, paths, tables
from hipus.phantom.likeness_real import GROUPS, RealPicture
from hipus.phantom.pictures import REGIONS, StandardPlane
from hipus.phantom.ultrasound.study import DecorrelationCurve, PhysicsCheck
from hipus.stages import realism, realism_greys

#: A cohort of a hospital, which has no truth.
NO_TRUTH = SimpleNamespace(
    subjects=pd.DataFrame({"subject_id": ["A"]}), sweeps=pd.DataFrame({"sweep_id": ["x"]})
)


def picture(seed: int, *, shift: int = 0) -> np.ndarray:
    """Return smooth noise, (96, 80) uint8."""
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal((96, 80)), 2)
    return np.clip(90 + shift + 40 * noise / noise.std(), 0, 255).astype(np.uint8)


def planes(infants, seed) -> list[StandardPlane]:
    """Return made pictures; muscle is as grey as ten times the infant's number."""
    return [
        StandardPlane(
            picture(index), 0.1, dict.fromkeys(REGIONS, 10.0 * index), dict.fromkeys(REGIONS, 2.0)
        )
        for index in infants
    ]


def curve(tissue: str) -> DecorrelationCurve:
    """Return a made curve."""
    return DecorrelationCurve("p_a", tissue, 20.0, np.arange(3.0), np.ones(3), np.zeros(3))


@pytest.fixture
def made(study, monkeypatch):
    """Replace everything that takes time; return the study with five pictures."""
    checks = [
        PhysicsCheck("good", "mm", 1.0, 1.0, 0.9, 1.1),
        PhysicsCheck("bad", "dB", 0.0, np.nan, np.nan, -20.0),
    ]
    monkeypatch.setattr(parallel, "usable_cores", lambda: 1)
    monkeypatch.setattr(
        realism.ultrasound_study, "measure_physics", lambda rng: (checks, [curve("homogeneous")])
    )
    monkeypatch.setattr(realism.pictures, "decorrelation_in_a_hip", lambda rng: [curve("head")])
    monkeypatch.setattr(realism.pictures, "simulate_planes", planes)
    monkeypatch.setattr(realism, "read_cohort", lambda folder: NO_TRUTH)
    return replace(study, realism=replace(study.realism, pictures=5))


def real_pictures() -> list[RealPicture]:
    """Return made "real" pictures: six subjects in each half, both sources, one twice."""
    rows = [
        (number, half, GROUPS[number % 2]) for number in range(6) for half in ("tune", "report")
    ]
    made = [
        RealPicture(
            f"{half}{number}", group, f"{half}{number}", half,
            picture(100 + number, shift=20), np.zeros((96, 80), bool),
        )
        for number, half, group in rows
    ]  # fmt: skip
    return [*made, replace(made[0], name="again")]


def table(name: str) -> pd.DataFrame:
    """Return a table of the smoke profile."""
    return tables.read(paths.table_file("smoke", name), columns=realism.COLUMNS[name])


class TestWithoutRealPictures:
    def test_what_is_missing_is_listed_and_the_rest_is_measured(self, made):
        assert realism.main(made) == []
        missing = tables.read(paths.table_file("smoke", "realism_missing"))
        assert len(missing) > 40
        assert missing["file"].str.startswith(GROUPS).all()
        assert len(table("likeness")) == 0
        assert list(table("likeness")) == realism.COLUMNS["likeness"]
        assert set(table("likeness_features").group) == {"simulated"}
        checks = table("physics_checks").set_index("check").holds
        assert (checks["good"], checks["bad"]) == (1, 0)
        assert set(table("decorrelation").tissue) == {"homogeneous", "head"}

    def test_metrics_say_nothing_of_likeness(self, made):
        realism.main(made)
        found = tables.read_metrics(paths.metrics_file("smoke", "realism"))
        assert found["report_half_auc_simulated"] is None
        assert (found["physics_checks_that_hold"], found["physics_checks_total"]) == (1, 2)
        assert found["muscle_mean_grey"] == 20

    def test_figures_get_the_simulated_pictures_in_their_order(self, made):
        realism.main(made)
        with np.load(paths.figure_input_file("smoke", "realism")) as stored:
            shown = [stored[f"plane_{index}"] for index in range(5)]
            assert stored["plane_0_pixel_mm"] == pytest.approx(0.1 * 96 / realism.SHOWN_ROWS)
        for index, small in enumerate(shown):
            assert small.shape == (360, 300)
            near = np.abs(small.astype(float).mean() - picture(index).mean())
            assert near < 1

    def test_another_fingerprint_is_refused(self, made):
        other = replace(made, common=replace(made.common, simulation_sha256=64 * "0"))
        with pytest.raises(ValueError, match="rerun every profile"):
            realism.main(other)


class TestWithRealPictures:
    @pytest.fixture
    def ran(self, made, monkeypatch, tmp_path):
        monkeypatch.setattr(realism.likeness_real, "load_real_pictures", real_pictures)
        monkeypatch.setattr(realism.runner, "real_inputs", lambda *_: {"one": tmp_path / "one"})
        return realism.main(made)

    def test_both_halves_stand_side_by_side(self, ran):
        rows = table("likeness").set_index("half")
        assert rows.real_pictures["tune"] == 7
        assert rows.real_subjects["tune"] == rows.real_pictures["report"] == 6
        assert (rows.simulated_pictures == 5).all()
        assert rows.times_read_before["report"] == 2
        assert np.isnan(rows.times_read_before["tune"])
        assert rows[["auc_simulated", "auc_halves"]].apply(lambda c: c.between(0, 1)).all().all()
        # Brighter by 20 levels, as made.
        assert rows.simulated_to_real.between(15, 25).all()

    def test_features_are_listed_by_source(self, ran):
        rows = table("likeness_features").set_index(["group", "feature"])
        assert rows.picture_count[GROUPS[0], "mean_grey"] == 7
        assert rows["mean"][GROUPS[1], "mean_grey"] == pytest.approx(110, abs=5)
        assert rows["mean"]["simulated", "depth_9"] == pytest.approx(90, abs=20)

    def test_what_was_read_is_returned(self, ran, tmp_path):
        assert ran == [tmp_path / "one"]


class TestGreyLevels:
    def test_means_over_pictures_stand_beside_the_stills(self):
        rows = realism_greys.grey_table(planes([1, 2, 3], 0), NO_TRUTH, sweeps=2)
        rows = rows.set_index(["region", "quantity"])
        assert rows.simulated["muscle", "mean"] == 20
        assert rows.simulated_sd["muscle", "mean"] == pytest.approx(10)
        assert [rows.real[name, "mean"] for name in REGIONS] == [82, 34, 39]
        assert rows.real["labelled pixels, 2D", "mean"] == 131
        assert rows.real["labelled voxels, 3D", "SD"] == 57
        assert np.isnan(rows.simulated["labelled pixels, 2D", "mean"])
        assert rows.note["labelled voxels, 3D", "mean"].startswith("real: printed, not tuned to")

    def test_labelled_voxels_hold_what_the_frames_hold(self):
        """Three parallel frames, half a millimetre apart; the labelled half is brighter."""
        frames = np.full((3, 8, 10), 50, np.uint8)
        masks = np.zeros_like(frames)
        frames[:, :, 5:], masks[:, :, 5:] = 200, 1
        T = geometry.transform(translation=[[0, 0, 0], [0, 0, 0.5], [0, 0, 1.0]])
        T[:, :3, :3] *= 0.5
        voxels = realism_greys._labelled_voxels(frames, masks, T)
        assert len(voxels) == 3 * 8 * 5
        assert (voxels == 200).all()

    def test_sweeps_are_usable_labelled_training_ones_of_each_subject_in_turn(self, tmp_path):
        subjects = pd.DataFrame(
            {
                "subject_id": ["A", "B", "C"],
                "split": ["train", "train", "test"],
                "is_labelled_2d": [1, 1, 1],
            }
        )
        rows = [
            ("A", "left_graf", "graf", 1),
            ("A", "left_p_a", "p_a", 1),
            ("A", "left_p_d", "p_d", 1),
            ("B", "left_p_a", "p_a", 0),
            ("B", "left_p_d", "p_d", 1),
            ("C", "left_p_a", "p_a", 1),
        ]
        names = ["subject_id", "sweep_id", "sweep_type", "is_usable"]
        sweeps = pd.DataFrame(rows, columns=names).assign(trim_stop=9)
        for subject_id, sweep_id, *_ in rows:
            path = tmp_path / "truth" / subject_id / f"{sweep_id}_masks.igs.mha"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        cohort = SimpleNamespace(folder=tmp_path, subjects=subjects, sweeps=sweeps)
        chosen = realism_greys._chosen(cohort, 2)
        assert [(row.subject_id, row.sweep_id) for row in chosen] == [
            ("A", "left_p_a"),
            ("B", "left_p_d"),
        ]
        assert len(realism_greys._chosen(cohort, 9)) == 3
