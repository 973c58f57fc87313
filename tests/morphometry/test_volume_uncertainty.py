"""Intervals widen with what is uncertain, move no value, and refuse what hangs by a thread."""

from functools import lru_cache

import numpy as np
import pytest
from made_hips import MadeHip, put_in_volume
from scipy.spatial.transform import Rotation

from hipus.morphometry.hip_shape import find_hip
from hipus.morphometry.label_volume import LabelVolume, VolumeRefused
from hipus.morphometry.measures import Measure, refused
from hipus.morphometry.shape_measures import shape_measures
from hipus.morphometry.volume_uncertainty import (
    SmoothField,
    Uncertainty,
    draw_shapes,
    with_intervals,
)


@lru_cache
def hip():
    """Return a hip found in a coarse volume."""
    made = put_in_volume(MadeHip(), Rotation.random(random_state=3).as_matrix(), (0.9, 0.9, 0.9))
    return find_hip(LabelVolume(made.labels, made.spacing_zyx_mm))


def intervals(seed=1, **options):
    """Return the hip's measures with intervals."""
    return with_intervals(
        shape_measures(hip().shape),
        hip(),
        shape_measures,
        uncertainty=Uncertainty(**({"draws": 30} | options)),
        rng=np.random.default_rng(seed),
    )


def width(measure):
    return measure.upper - measure.lower


class TestIntervals:
    def test_values_stay_and_lie_within(self):
        plain, found = shape_measures(hip().shape), intervals()
        assert found.keys() == plain.keys()
        for name, measure in found.items():
            assert measure.value == plain[name].value
            assert measure.lower < measure.value < measure.upper

    def test_uncertain_labels_and_poses_widen(self):
        narrow = intervals(label_sd_mm=0.1, plane_sd_mm=0.0)
        for options in ({"label_sd_mm": 0.5}, {"label_sd_mm": 0.1, "pose_sd_mm": 0.8}):
            wide = intervals(plane_sd_mm=0.0, **options)
            for name in ("alpha_deg", "femoral_head_coverage_percent"):
                assert width(wide[name]) > 1.8 * width(narrow[name])

    def test_an_uncertain_plane_moves_what_changes_from_front_to_back(self):
        still = intervals(label_sd_mm=0.0, plane_sd_mm=0.0)
        moved = intervals(label_sd_mm=0.0, plane_sd_mm=2.0)
        assert width(moved["alpha_deg"]) > width(still["alpha_deg"]) + 1.0
        assert width(moved["head_radius_mm"]) == pytest.approx(0.0, abs=1e-6)

    def test_the_same_seed_gives_the_same_interval(self):
        assert intervals(seed=5) == intervals(seed=5)
        assert intervals(seed=5)["alpha_deg"] != intervals(seed=6)["alpha_deg"]

    def test_a_lower_level_is_narrower(self):
        one, other = intervals(level=0.95)["alpha_deg"], intervals(level=0.5)["alpha_deg"]
        assert width(other) < 0.6 * width(one)

    def test_measures_that_shapes_do_not_give_keep_what_they_have(self):
        depth = {"acetabular_depth_mm": refused("no label of the acetabular floor", "mm")}
        found = with_intervals(depth, hip(), shape_measures, uncertainty=Uncertainty(draws=20),
                               rng=np.random.default_rng(0))  # fmt: skip
        assert found == depth

    def test_a_measure_that_most_draws_lack_is_refused(self):
        calls = []

        def rarely(_):
            calls.append(1)
            lucky = len(calls) % 4 == 1
            return {"x": Measure(1.0, "mm") if lucky else refused("not there", "mm")}

        found = with_intervals(
            {"x": Measure(1.0, "mm")},
            hip(),
            rarely,
            uncertainty=Uncertainty(draws=20),
            rng=np.random.default_rng(0),
        )
        assert found["x"].refusal == (
            "it hangs on single voxels: 25 % of equally plausible hips have it"
        )

    def test_no_draw_with_a_wing_refuses_everything(self, monkeypatch):
        def never(*_, **__):
            raise VolumeRefused("the iliac wing is missing")

        monkeypatch.setattr("hipus.morphometry.volume_uncertainty.fit_shape", never)
        assert list(draw_shapes(hip(), Uncertainty(draws=20), np.random.default_rng(0))) == []
        for measure in intervals().values():
            assert measure.refusal.startswith("it hangs on single voxels: 0 %")


class TestField:
    def test_has_mean_0_sd_1_and_forgets_beyond_its_length(self):
        places = np.stack(np.meshgrid(*3 * [np.arange(0.0, 12.0, 4.0)]), -1).reshape(-1, 3)
        near = places + [0.3, 0.0, 0.0]
        values, shifted = [], []
        for seed in range(60):
            field = SmoothField(np.random.default_rng(seed))
            values.append(field(places))
            shifted.append(field(near))
        values, shifted = np.array(values), np.array(shifted)
        assert values.mean() == pytest.approx(0.0, abs=0.05)
        assert values.std() == pytest.approx(1.0, abs=0.05)
        assert np.mean(values * shifted) == pytest.approx(np.exp(-0.045), abs=0.07)
        assert np.mean(values[:, 0] * values[:, 1]) == pytest.approx(0.0, abs=0.2)
        assert np.mean(values[..., 0] * values[..., 1]) == pytest.approx(0.0, abs=0.05)


class TestWrongNumbers:
    @pytest.mark.parametrize(
        ("options", "match"),
        [
            ({"label_sd_mm": -0.1}, "label_sd_mm must be >= 0, got -0.1"),
            ({"pose_sd_mm": np.nan}, "pose_sd_mm must be >= 0, got nan"),
            ({"plane_sd_mm": -1.0}, "plane_sd_mm must be >= 0"),
            ({"label_length_mm": 0.0}, "label_length_mm must be positive, got 0"),
            ({"pose_length_mm": np.inf}, "pose_length_mm must be positive, got inf"),
            ({"draws": 19}, "draws must be at least 20, got 19"),
            ({"level": 1.0}, "level must lie between 0 and 1, got 1"),
        ],
    )
    def test_are_named(self, options, match):
        with pytest.raises(ValueError, match=match):
            Uncertainty(**options)
