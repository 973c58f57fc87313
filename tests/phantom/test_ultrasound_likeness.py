"""Likeness statistics on pictures with known answers, and the split of the real ones."""

from collections import Counter

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from hipus.formats import real_data
from hipus.phantom import likeness, likeness_real


def smooth_noise(rng, sigma, shape=(256, 200)):
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(rng.standard_normal(shape), sigma)
    return np.clip(120 + 40 * noise / noise.std(), 0, 255).astype(np.uint8)


class TestFeatures:
    def test_a_grey_picture_has_its_level_and_nothing_else(self):
        features = likeness.describe(np.full((300, 240), 102, np.uint8))
        assert features.mean_grey == pytest.approx(102, abs=2)
        assert features.sd_grey == pytest.approx(0, abs=0.1)
        assert features.gradient_down + features.gradient_across < 1e-4
        np.testing.assert_allclose(features.depth_profile, 102)

    def test_brightness_along_depth_runs_down_the_rows(self):
        picture = np.repeat(np.linspace(200, 20, 256)[:, None], 100, axis=1).astype(np.uint8)
        profile = likeness.describe(picture).depth_profile
        np.testing.assert_allclose(profile, np.linspace(191, 29, 10), atol=3)

    def test_texture_width_is_measured_along_its_own_axis(self, rng):
        wide = likeness.describe(smooth_noise(rng, (1.0, 3.0)))
        tall = likeness.describe(smooth_noise(rng, (3.0, 1.0)))
        assert wide.correlation_ratio > 1.5
        assert tall.correlation_ratio < 1 / 1.5
        assert wide.gradient_down > 1.5 * wide.gradient_across

    def test_smoother_pictures_have_steeper_spectra(self, rng):
        rough, smooth = (likeness.describe(smooth_noise(rng, s)).spectrum_slope for s in (0.5, 3))
        assert smooth < rough - 1

    def test_white_noise_has_a_flat_spectrum(self, rng):
        noise = rng.integers(0, 256, (256, 256), dtype=np.uint8)
        assert likeness.describe(noise).spectrum_slope == pytest.approx(0, abs=0.15)

    def test_what_is_masked_counts_nowhere(self, rng):
        picture = smooth_noise(rng, 2)
        drawn, mask = picture.copy(), np.zeros(picture.shape, bool)
        drawn[100:120, 20:90], mask[100:120, 20:90] = 255, True
        clean, masked = likeness.describe(picture), likeness.describe(drawn, mask)
        assert likeness.histogram_distance(clean, masked) < 2
        assert likeness.histogram_distance(clean, likeness.describe(drawn)) > 3
        np.testing.assert_allclose(masked.depth_profile, clean.depth_profile, atol=6)

    def test_size_does_not_matter(self, rng):
        import cv2

        picture = smooth_noise(rng, 4)
        large = cv2.resize(picture, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
        first, second = likeness.describe(picture), likeness.describe(large)
        assert likeness.histogram_distance(first, second) < 1.5
        assert second.lateral_fwhm_px == pytest.approx(first.lateral_fwhm_px, rel=0.05)

    def test_colour_is_refused(self):
        with pytest.raises(ValueError, match=r"picture must be \(H, W\) uint8"):
            likeness.describe(np.zeros((4, 4, 3), np.uint8))

    def test_a_masked_picture_is_refused(self):
        with pytest.raises(ValueError, match="picture is masked but for 0%"):
            likeness.describe(np.zeros((64, 64), np.uint8), np.ones((64, 64), bool))


class TestDistances:
    def test_a_shift_by_forty_levels_is_a_distance_of_forty(self):
        first, second = (likeness.describe(np.full((64, 64), grey, np.uint8)) for grey in (60, 100))
        assert likeness.histogram_distance(first, second) == pytest.approx(40)

    def test_it_is_scipys_on_the_pixels_to_within_a_bin(self, rng):
        pictures = [smooth_noise(rng, 2), smooth_noise(rng, 2) // 2]
        ours = likeness.histogram_distance(*(likeness.describe(p) for p in pictures))
        assert ours == pytest.approx(wasserstein_distance(*(p.ravel() for p in pictures)), abs=2)

    def test_all_pairs_are_counted_once(self):
        features = [likeness.describe(np.full((64, 64), g, np.uint8)) for g in (0, 40, 120)]
        np.testing.assert_allclose(sorted(likeness.distances(features)), [40, 80, 120])
        assert len(likeness.distances(features, features[:2])) == 6


class TestClassifier:
    def test_the_area_counts_pairs_in_the_right_order(self):
        assert likeness.auc(np.array([3.0, 1.0]), np.array([2.0, 0.0])) == 0.75
        assert likeness.auc(np.array([1.0]), np.array([1.0])) == 0.5

    def test_shifted_groups_are_told_apart(self, rng):
        vectors = rng.standard_normal((60, 5))
        is_second = np.arange(60) % 2 == 1
        vectors[is_second, 3] += 4
        assert likeness.classifier_auc(vectors, is_second, np.arange(60)) > 0.95

    def test_equal_groups_are_not(self, rng):
        areas = [
            likeness.classifier_auc(
                rng.standard_normal((60, 5)), np.arange(60) % 2 == 1, np.arange(60)
            )
            for _ in range(10)
        ]
        assert 0.3 < np.mean(areas) < 0.6

    def test_pictures_of_one_subject_do_not_teach_each_other(self, rng):
        """Every subject has its own look; knowing it must not help with its other pictures."""
        subjects = np.repeat(np.arange(16), 8)
        looks = rng.standard_normal((16, 40))
        vectors = looks[subjects] + 0.01 * rng.standard_normal((128, 40))
        is_second = subjects % 2 == 1
        honest = likeness.classifier_auc(vectors, is_second, subjects)
        leaking = likeness.classifier_auc(vectors, is_second, np.arange(128))
        assert leaking > 0.95
        assert honest < 0.8

    def test_one_subject_is_not_enough(self):
        with pytest.raises(ValueError, match="groups must hold 2 subjects or more of each kind"):
            likeness.classifier_auc(
                np.zeros((3, 2)), np.array([0, 1, 1], bool), np.array([1, 2, 2])
            )


class TestComparison:
    @staticmethod
    def pictures(rng, count, *, sigma=2.0, shift=0):
        levels = [smooth_noise(rng, sigma).astype(int) - shift for _ in range(count)]
        return [likeness.describe(np.clip(level, 0, 255).astype(np.uint8)) for level in levels]

    def test_pictures_of_one_kind_are_alike(self, rng):
        real = self.pictures(rng, 12)
        subjects, groups = [f"r{n}" for n in range(12)], ["a", "b"] * 6
        found = likeness.compare(self.pictures(rng, 8), real, subjects, groups, rng=rng)
        assert found.simulated_to_real == pytest.approx(found.real_to_real, rel=0.3)
        assert found.auc_simulated < 0.8

    def test_darker_smoother_pictures_are_found_out(self, rng):
        real = self.pictures(rng, 12)
        subjects, groups = [f"r{n}" for n in range(12)], ["a"] * 12
        fake = self.pictures(rng, 8, sigma=5.0, shift=40)
        found = likeness.compare(fake, real, subjects, groups, rng=rng)
        assert found.simulated_to_real > 30
        assert found.auc_simulated > 0.95
        assert 0.1 < found.auc_halves < 0.8
        assert np.isnan(found.auc_groups)

    def test_pairs_of_one_subject_do_not_count(self, rng):
        """Five equal pictures of one subject would halve the median."""
        greys, subjects = [0, 40, 120] + [84] * 5, ["a", "c", "d"] + ["b"] * 5
        real = [likeness.describe(np.full((64, 64), grey, np.uint8)) for grey in greys]
        found = likeness.compare(real[:2], real, subjects, ["x"] * 8, rng=rng)
        assert found.real_to_real == pytest.approx(44)


class TestRealPictures:
    def test_halves_are_fixed_by_the_name(self):
        assert likeness_real.half_of("a") == likeness_real.half_of("a")
        halves = Counter(likeness_real.half_of(f"case {n}") for n in range(400))
        assert min(halves.values()) > 150

    def test_the_same_picture_twice_is_one_subject(self, rng):
        picture, other = (smooth_noise(rng, 6) for _ in range(2))
        loaded = [(p, None) for p in (picture, other, np.clip(picture, 20, 220))]
        assert likeness_real._subjects(["a", "b", "c"], loaded) == ["a", "b", "a"]

    @pytest.mark.real
    def test_every_open_picture_is_used_and_no_subject_is_in_both_halves(self, real_file):
        real_file("graf_planes/standard_ultrasound/standard_0.png")
        real_file("infant_hip_stills/dicom/72628.dcm")
        pictures = likeness_real.load_real_pictures()
        assert Counter(p.group for p in pictures)["graf_planes"] == 40
        assert len({p.subject for p in pictures if p.group == "infant_hip_stills"}) == 8
        halves = {}
        for picture in pictures:
            assert halves.setdefault(picture.subject, picture.half) == picture.half
            assert picture.picture.shape == picture.is_masked.shape
            assert picture.is_masked.mean() < 0.2
        assert set(halves.values()) == {"tune", "report"}

    def test_absent_pictures_are_named(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HIPUS_MIRROR", str(tmp_path))
        monkeypatch.setattr(real_data, "local_path", lambda name: None)
        monkeypatch.setattr(
            real_data, "fetch", lambda name: (_ for _ in ()).throw(real_data.MissingRealData(name))
        )
        with pytest.raises(real_data.MissingRealData, match="graf_planes"):
            likeness_real.load_real_pictures()
