"""Surface metrics: hand-worked masks, the tool whose definitions they are, and its peers."""

import hashlib
import importlib.util
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from hipus import paths
from hipus.border_distances import border_voxels, distances_to_border
from hipus.surface_metrics import surface_distances

SPACING = (0.3, 0.7, 1.1)
#: Of the closed-form case, labels 1 to 4, by the tools' own runs (MONAI 1.6.1, surface-distance
#: 0.1, MedPy 0.5.2, SimpleITK 2.5.7, seg-metrics 1.2.8).
MONAI = {
    "hd_mm": (0.35114923119544983, 0.7448999881744385, 0.5552156567573547, 3.9728000164031982),
    "hd95_mm": (0.2483000010251999, 0.2483000010251999, 0.35114923119544983, 3.4850566387176514),
    "asd_gt_to_pred_mm": (
        *(0.08874793350696564, 0.12165684252977371),
        *(0.19160017371177673, 0.07104333490133286),
    ),
    "asd_pred_to_gt_mm": (
        *(0.08988692611455917, 0.11374389380216599),
        *(0.19003552198410034, 0.4473401606082916),
    ),
    "assd_mm": (
        *(0.0893193855881691, 0.11779290437698364),
        *(0.1908218115568161, 0.2734752595424652),
    ),
}
MONAI_SURFACE_DICE = {
    1.0: (1, 1, 1, 0.9424083828926086),
    0.25: (0.9985964894294739, 0.9862735271453857, 0.9260411262512207, 0.9424083828926086),
}
GOOGLE_HD_MM = (0.3511492275372395, 0.7449, 0.5552156788131978, 3.9728)
GOOGLE_ASD_GT_TO_PRED_MM = (0.03725598405, 0.05931676293, 0.169076996577, 0.033063431785)
GOOGLE_SURFACE_DICE_1MM_OF_ISLAND = 0.9303792278980959
MEDPY_HD95_MM = (0.2483, 0.2483, 0.3511492275372395, 3.2279)
ITK_ASD_OF_HEAD_MM = (0.033842407166957855, 0.06646351516246796)
SEG_METRICS_HD95_OF_ISLAND_MM = 0.3848672866820047


def measured(reference, prediction, spacing=SPACING):
    """Return the distances of anything that converts to bool masks."""
    reference, prediction = np.asarray(reference, bool), np.asarray(prediction, bool)
    return surface_distances(reference=reference, prediction=prediction, spacing_zyx_mm=spacing)


@pytest.fixture(scope="module")
def benchmark():
    """Return the benchmark as a module: it makes the closed-form case."""
    path = paths.root() / "benchmarks" / "surface_metrics.py"
    specification = importlib.util.spec_from_file_location("surface_metrics_benchmark", path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def closed_form(benchmark):
    """Return prediction and reference of the closed-form case."""
    return benchmark.closed_form()


@pytest.fixture(scope="module")
def found(closed_form):
    """Return our distances of its four labels."""
    prediction, reference = closed_form
    return [measured(reference == k, prediction == k, (0.2483,) * 3) for k in (1, 2, 3, 4)]


class TestHandWorked:
    def test_two_voxels_apart_along_each_axis(self):
        mask = np.zeros((4, 5, 6), bool)
        mask[1, 1, 1] = True
        for axis, expected_mm in enumerate((0.6, 1.4, 2.2)):
            distances = measured(mask, np.roll(mask, 2, axis))
            assert distances.hd_mm == distances.assd_mm == pytest.approx(expected_mm)
            assert distances.surface_dice(expected_mm - 0.01) == 0
            assert distances.surface_dice(expected_mm + 0.01) == 1

    def test_directions_tell_an_island_from_a_gap(self):
        """Reference: pixels 0 and 1 of a row. Prediction: 0, 1 and an island at 5."""
        distances = measured([[1, 1, 0, 0, 0, 0]], [[1, 1, 0, 0, 0, 1]], (1.0, 0.5))
        np.testing.assert_allclose(distances.reference_to_prediction_mm, [0, 0])
        np.testing.assert_allclose(distances.prediction_to_reference_mm, [0, 0, 2])
        assert distances.asd_gt_to_pred_mm == 0
        assert distances.asd_pred_to_gt_mm == pytest.approx(2 / 3)
        assert distances.assd_mm == pytest.approx(2 / 5)
        assert distances.hd_mm == pytest.approx(2)
        # Linear quantile of (0, 0, 2): 0.95 of the way over two steps, 0.9 into the second.
        assert distances.hd95_mm == pytest.approx(1.8)
        assert distances.surface_dice(1) == pytest.approx(4 / 5)

    def test_a_frame_has_no_third_axis(self, rng):
        """In 2D a filled disc has an inside; as a slab one voxel thick it has none."""
        disc = np.hypot(*np.ogrid[-6:7, -6:7]) < 5
        flat = measured(disc, np.roll(disc, 1, axis=1), (0.7, 1.1))
        slab = measured(disc[None], np.roll(disc, 1, axis=1)[None], SPACING)
        assert len(flat.reference_to_prediction_mm) == np.count_nonzero(border_voxels(disc))
        assert len(slab.reference_to_prediction_mm) == np.count_nonzero(disc)
        assert flat.hd_mm == pytest.approx(1.1)

    def test_a_distance_of_the_tolerance_is_within_it_whatever_its_last_digit(self):
        """Three steps of 0.1 mm are 0.30000000000000004 mm."""
        distances = measured([[1, 0, 0, 0]], [[0, 0, 0, 1]], (1.0, 0.1))
        assert distances.hd_mm > 0.3
        assert distances.surface_dice(0.3) == 1


class TestInvariants:
    @pytest.fixture
    def pair(self, rng):
        """Return two blobs that overlap in part."""
        noise = ndimage.gaussian_filter(rng.normal(size=(2, 14, 16, 18)), (0, 2, 2, 2))
        return noise > 0.03

    def test_same_masks_are_no_distance_apart(self, pair):
        distances = measured(pair[0], pair[0])
        assert distances.hd_mm == distances.assd_mm == 0
        assert distances.surface_dice(0) == 1

    def test_swapped_masks_swap_directions_only(self, pair):
        there, back = measured(*pair), measured(*pair[::-1])
        assert there.asd_gt_to_pred_mm == back.asd_pred_to_gt_mm
        assert there.asd_gt_to_pred_mm != there.asd_pred_to_gt_mm
        assert there.hd95_mm == back.hd95_mm

    def test_doubled_spacing_doubles_millimetres(self, pair):
        once, twice = measured(*pair), measured(*pair, np.multiply(SPACING, 2))
        assert twice.hd95_mm == pytest.approx(2 * once.hd95_mm)
        assert twice.surface_dice(1.2) == once.surface_dice(0.6)

    def test_turned_and_padded_masks_score_the_same(self, pair):
        turned = np.pad(pair.transpose(0, 3, 1, 2)[:, ::-1], [(0, 0), (3, 0), (0, 5), (2, 2)])
        expected, distances = measured(*pair), measured(*turned, (1.1, 0.3, 0.7))
        for name in ("hd_mm", "hd95_mm", "asd_gt_to_pred_mm", "asd_pred_to_gt_mm", "assd_mm"):
            assert getattr(distances, name) == pytest.approx(getattr(expected, name))


class TestEmptyMasks:
    NAMES = ("hd_mm", "hd95_mm", "asd_gt_to_pred_mm", "asd_pred_to_gt_mm", "assd_mm")

    @pytest.mark.parametrize("is_reference_empty", [True, False])
    def test_one_empty_is_infinitely_far(self, is_reference_empty):
        masks = np.zeros((2, 3, 4, 5), bool)
        masks[int(is_reference_empty), 1, 1, 1:3] = True
        distances = measured(*masks)
        assert [getattr(distances, name) for name in self.NAMES] == [np.inf] * 5
        assert distances.surface_dice(1) == 0

    def test_two_empty_say_nothing(self):
        distances = measured(np.zeros((3, 4, 5)), np.zeros((3, 4, 5)))
        assert np.isnan([getattr(distances, name) for name in self.NAMES]).all()
        assert np.isnan(distances.surface_dice(1))


@pytest.mark.filterwarnings("ignore:.*always_return_as_numpy:FutureWarning")
class TestAgainstMonai:
    @pytest.mark.parametrize("shape", [(11, 14, 9), (19, 23)])
    def test_equals_monai_on_random_masks(self, rng, shape):
        import torch
        from monai import metrics

        torch.set_num_threads(1)
        spacing = SPACING[-len(shape) :]
        masks = ndimage.gaussian_filter(rng.normal(size=(2, *shape)), (0, *[1] * len(shape))) > 0.1
        ours = measured(*masks, spacing)
        true, found = (torch.from_numpy(mask)[None, None] for mask in masks)
        shared = {"include_background": True, "spacing": list(spacing)}
        hausdorff, average = (
            metrics.compute_hausdorff_distance,
            metrics.compute_average_surface_distance,
        )
        theirs = {
            "hd_mm": hausdorff(found, true, **shared),
            "hd95_mm": hausdorff(found, true, percentile=95, **shared),
            "asd_gt_to_pred_mm": average(true, found, **shared),
            "asd_pred_to_gt_mm": average(found, true, **shared),
            "assd_mm": average(found, true, symmetric=True, **shared),
        }
        for name, value in theirs.items():
            assert getattr(ours, name) == pytest.approx(float(value), rel=1e-6), name
        within = metrics.compute_surface_dice(found, true, class_thresholds=[0.8], **shared)
        assert 0.3 < ours.surface_dice(0.8) < 1
        assert ours.surface_dice(0.8) == pytest.approx(float(within), rel=1e-6)


class TestClosedForm:
    """The volume that five tools were run on, and why their values differ."""

    def test_is_that_volume(self, closed_form):
        sums = [hashlib.sha256(mask.tobytes()).hexdigest()[:16] for mask in closed_form]
        assert sums == ["b2f558629b10962c", "80fc05f028c9097f"]
        counts = [np.bincount(mask.ravel())[1:].tolist() for mask in closed_form]
        assert counts == [[186225, 39766, 11440, 942], [184188, 45036, 11480, 841]]

    @pytest.mark.parametrize("name", MONAI)
    def test_distances_equal_monai(self, found, name):
        ours = [getattr(distances, name) for distances in found]
        np.testing.assert_allclose(ours, MONAI[name], rtol=1e-6)

    @pytest.mark.parametrize("tolerance_mm", MONAI_SURFACE_DICE)
    def test_surface_dice_equals_monai(self, found, tolerance_mm):
        ours = [distances.surface_dice(tolerance_mm) for distances in found]
        np.testing.assert_allclose(ours, MONAI_SURFACE_DICE[tolerance_mm], rtol=1e-6)

    def test_hausdorff_distance_equals_google_whose_areas_say_less_of_the_rest(self, found):
        np.testing.assert_allclose([one.hd_mm for one in found], GOOGLE_HD_MM, rtol=1e-9)
        ratio = [one.asd_gt_to_pred_mm for one in found] / np.array(GOOGLE_ASD_GT_TO_PRED_MM)
        assert ratio[0] == pytest.approx(2.4, abs=0.05)
        assert (ratio > 1.1).all()
        assert found[3].surface_dice(1) > GOOGLE_SURFACE_DICE_1MM_OF_ISLAND

    def test_percentile_of_both_directions_pooled_is_that_of_medpy(self, found):
        pooled = [
            np.percentile([*one.reference_to_prediction_mm, *one.prediction_to_reference_mm], 95)
            for one in found
        ]
        np.testing.assert_allclose(pooled, MEDPY_HD95_MM, rtol=1e-9)
        assert found[3].hd95_mm > pooled[3] + 0.2

    def test_other_tools_measure_to_the_border_of_26_neighbours(self, closed_form):
        prediction, reference = (mask == 1 for mask in closed_form)
        spacing = (0.2483,) * 3
        there = distances_to_border(border_voxels(reference), _thick_border(prediction), spacing)
        back = distances_to_border(border_voxels(prediction), _thick_border(reference), spacing)
        np.testing.assert_allclose([there.mean(), back.mean()], ITK_ASD_OF_HEAD_MM, rtol=1e-4)

    def test_with_that_border_an_island_falls_under_5_percent(self, closed_form, found):
        borders = [_thick_border(mask == 4) for mask in closed_form]
        both = [distances_to_border(*pair, (0.2483,) * 3) for pair in (borders, borders[::-1])]
        pooled = np.concatenate(both)
        assert np.percentile(pooled, 95) == pytest.approx(SEG_METRICS_HD95_OF_ISLAND_MM, rel=1e-4)
        assert found[3].hd95_mm > 3.4


def _thick_border(mask):
    """Return a mask minus its erosion by all 26 neighbours."""
    return mask & ~ndimage.binary_erosion(mask, np.ones((3, 3, 3)))


class TestBenchmark:
    """It measures what is used, and its page shows what it measured."""

    @pytest.fixture
    def table(self):
        """Return the saved table by tool."""
        path = paths.root() / "benchmarks" / "results" / "surface_metrics.csv"
        return pd.read_csv(path, dtype={"version": str}).set_index("tool")

    def test_scores_all_metrics_of_a_volume(self, benchmark, closed_form, found):
        scores = benchmark.run_hipus(*closed_form)
        assert scores.shape == (4, len(benchmark.METRICS))
        for name in MONAI:
            ours = [getattr(distances, name) for distances in found]
            np.testing.assert_array_equal(scores[:, benchmark.METRICS.index(name)], ours)

    def test_ours_is_twice_as_fast_as_the_fastest_peer_in_no_more_memory(self, table):
        ours, peers = table.loc["hipus"], table.drop(index="hipus")
        assert set(peers.index) == {"MONAI", "surface-distance"}
        assert (peers.cpu_s >= 2 * ours.cpu_s).all()
        assert (peers.peak_mib >= ours.peak_mib).all()

    def test_values_were_equal_where_definitions_are(self, benchmark, table):
        assert (
            table.loc["MONAI", [f"{name}_difference" for name in benchmark.METRICS]] < 1e-6
        ).all()
        assert (table.loc["surface-distance", ["dice_difference", "hd_mm_difference"]] < 1e-9).all()

    def test_page_shows_the_saved_table(self, table):
        page = (paths.root() / "docs" / "benchmarks.md").read_text(encoding="utf-8")
        section = page.split("## Scoring masks")[1].split("\n## ")[0]
        shown = [line for line in section.splitlines() if line.startswith("| 202")]
        assert shown == [
            f"| 202 × 202 × 197 | {row.Index} {row.version} | {row.cpu_s:.3f} | {row.wall_s:.3f} | "
            f"{row.load:.1f} | {row.peak_mib:.0f} |"
            for row in table.itertuples()
        ]


class TestBadInput:
    def mask(self, *shape, dtype=bool):
        return np.zeros(shape, dtype)

    def test_refuses_labels_where_a_mask_belongs(self):
        with pytest.raises(ValueError, match="prediction must be a bool mask, got uint8"):
            surface_distances(
                reference=self.mask(2, 3),
                prediction=self.mask(2, 3, dtype=np.uint8),
                spacing_zyx_mm=(1, 1),
            )

    def test_refuses_masks_of_different_shapes(self):
        with pytest.raises(ValueError, match=r"one shape, got .*\(2, 3\).*\(3, 2\)"):
            measured(self.mask(2, 3), self.mask(3, 2), (1, 1))

    @pytest.mark.parametrize("shape", [(4,), (1, 2, 3, 4), (0, 3)])
    def test_refuses_what_is_no_volume_and_no_frame(self, shape):
        with pytest.raises(ValueError, match=r"reference must be \(D, H, W\) or \(H, W\) with vox"):
            measured(self.mask(*shape), self.mask(*shape), (1,) * len(shape))

    @pytest.mark.parametrize("spacing", [(1, 1), (0.0, 1, 1), (1, -1, 1), (1, np.nan, 1), 1.0])
    def test_refuses_a_spacing_that_is_none(self, spacing):
        with pytest.raises(ValueError, match="spacing_zyx_mm must be 3 positive numbers, got "):
            measured(self.mask(2, 3, 4), self.mask(2, 3, 4), spacing)

    @pytest.mark.parametrize("tolerance_mm", [-0.1, np.nan, np.inf])
    def test_refuses_a_tolerance_that_is_none(self, tolerance_mm):
        with pytest.raises(ValueError, match="tolerance_mm must be finite and >= 0, got "):
            measured([[1]], [[1]], (1, 1)).surface_dice(tolerance_mm)
