"""Grades: each rule broken alone on a made hip, and where limits come from."""

from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest

from hipus.labels import HipLabel
from hipus.segmentation.grading import (
    FAILURES,
    GRADES,
    GradingRules,
    Rule,
    grade,
    rules_from_table,
)
from hipus.segmentation.grading_rules import GradingChoices, rules_from_truth
from hipus.segmentation.structure_shape import StructureShape, measure_structures

SPACING = (1.0, 0.5, 0.5)
ILIUM, HEAD, BORDER, CORTEX = (HipLabel(number) for number in (1, 2, 3, 4))


def hip(scale=1.0) -> np.ndarray:
    """Return labels of a made hip: a ball of 7 mm, two bone plates and a thin border."""
    labels = np.zeros((26, 52, 60), np.uint8)
    places = np.indices(labels.shape).transpose(1, 2, 3, 0) * SPACING
    inside = np.linalg.norm(places - [12.5, 16.0, 15.0], axis=-1) <= 7 * scale
    labels[inside] = HEAD
    labels[3:23, 10:14, 34 : 34 + round(16 * scale)] = ILIUM
    labels[8:18, 20:40, 46:48] = BORDER
    labels[4:22, 46:49, 8 : 8 + round(26 * scale)] = CORTEX
    return labels


def shapes(labels):
    """Return the shapes of a made hip."""
    return measure_structures(labels, SPACING)


@pytest.fixture(scope="module")
def rules() -> GradingRules:
    """Return rules of six made hips of different size."""
    return rules_from_truth([shapes(hip(scale)) for scale in np.linspace(0.9, 1.1, 6)])


def spoil(**changes) -> np.ndarray:
    """Return a made hip with one thing wrong."""
    labels = hip()
    for name in changes:
        SPOILERS[name](labels)
    return labels


def _without(label):
    return lambda labels: labels.__setitem__(labels == label, 0)


def _tilted(labels):
    """Shift the head's distal half by 2 mm."""
    head = labels[13:] == HEAD
    labels[13:][head] = 0
    labels[13:][np.roll(head, -4, axis=2)] = HEAD


def _flat(labels):
    """Leave a third of the head's height."""
    head = labels == HEAD
    head[:, 27:37] = False
    labels[head] = 0


def _cut(label, slices):
    """Return a spoiler that removes a structure from some slices."""

    def spoiler(labels):
        labels[slices][labels[slices] == label] = 0

    return spoiler


def _hole(labels):
    labels[10:16, 30:34, 28:31] = 0


def _flickering(labels):
    labels[4:22:3, 46:49, 8:24] = 0


def _bulky(labels):
    labels[3:23, 2:14, 34:55] = ILIUM


SPOILERS = {
    "ilium_absent": _without(ILIUM),
    "border_absent": _without(BORDER),
    "head_tilted": _tilted,
    "head_flat": _flat,
    "head_hole": _hole,
    "ilium_short": _cut(ILIUM, slice(12, None)),
    "ilium_stub": _cut(ILIUM, slice(6, None)),
    "ilium_gap": _cut(ILIUM, slice(10, 13)),
    "head_gap": _cut(HEAD, slice(10, 15)),
    "cortex_flickering": _flickering,
    "ilium_bulky": _bulky,
}


class TestGrades:
    def test_a_whole_hip_of_another_size_is_good(self, rules):
        found = grade(shapes(hip(0.97)), rules)
        assert (found.name, found.broken, found.failures) == ("good", (), ())
        assert len(found.table()) == 0
        assert "value" in found.table().columns

    @pytest.mark.parametrize(
        ("spoiler", "name", "failure", "broken"),
        [
            ("ilium_absent", "insufficient", "missing_structure", {"ilium_present"}),
            (
                "border_absent",
                "insufficient",
                "missing_structure",
                {"chondro_osseous_border_present"},
            ),
            ("ilium_short", "adequate", "incomplete_bone", {"ilium_volume", "ilium_length"}),
            (
                "ilium_stub",
                "insufficient",
                "incomplete_bone",
                {"ilium_volume", "ilium_volume_severe", "ilium_length", "ilium_length_severe"},
            ),
            ("head_flat", "insufficient", "deformed_head", {"femoral_head_axes_severe"}),
            ("head_hole", "adequate", "holes", {"femoral_head_holes"}),
            ("ilium_gap", "adequate", "discontinuity", {"ilium_gap", "ilium_pieces"}),
            ("head_gap", "insufficient", "discontinuity", {"femoral_head_gap_severe"}),
            ("cortex_flickering", "adequate", "discontinuity", {"femoral_cortex_streaks"}),
            ("head_tilted", "adequate", "motion_artefact", {"femoral_head_steady"}),
            ("ilium_bulky", "insufficient", "excess_label", {"ilium_excess_severe"}),
        ],
    )
    def test_each_failure_is_found_and_named(self, rules, spoiler, name, failure, broken):
        found = grade(shapes(spoil(**{spoiler: True})), rules)
        names = {item.rule.name for item in found.broken}
        assert found.name == name
        assert failure in found.failures
        assert broken <= names
        structure = broken.pop().rsplit("_", 1)[0].split("_")[0]
        assert all(item.startswith(structure) for item in names)  # no other is blamed

    def test_a_missing_structure_counts_once(self, rules):
        found = grade(shapes(spoil(ilium_absent=True, head_hole=True)), rules)
        assert found.failures == ("missing_structure", "holes")
        assert Counter(found.table()["structure"])["ilium"] == 1

    def test_the_worst_broken_rule_decides(self, rules):
        found = grade(shapes(spoil(ilium_gap=True, ilium_bulky=True, border_absent=True)), rules)
        assert {item.rule.severity for item in found.broken} == {"adequate", "insufficient"}
        assert found.name == "insufficient"

    def test_an_empty_volume_lacks_everything(self, rules):
        found = grade(shapes(np.zeros_like(hip())), rules)
        assert found.failures == ("missing_structure",)
        assert len(found.broken) == 4

    def test_broken_rules_come_with_the_value_that_breaks_them(self, rules):
        row = grade(shapes(spoil(ilium_gap=True)), rules).table().set_index("name").loc["ilium_gap"]
        assert (row["value"], row["limit"], row["measure"]) == (3.0, 1.0, "slice_gap_mm")


class TestRules:
    @pytest.mark.parametrize(
        ("bound", "value", "kept"),
        [
            ("at_least", 2.0, True),
            ("at_least", 1.99, False),
            ("at_most", 2.0, True),
            ("at_most", 2.01, False),
            ("at_most", np.nan, True),
        ],
    )
    def test_the_limit_itself_is_kept_and_the_unmeasured_too(self, bound, value, kept):
        rule = Rule("r", "ilium", "slice_gap_mm", bound, 2.0, "adequate", "holes", "fixed")
        assert rule.is_kept(StructureShape("ilium", 5.0, 1, slice_gap_mm=value)) == kept

    def test_every_rule_names_a_measure_a_failure_and_a_grade(self, rules):
        measures = {field.name for field in fields(StructureShape)}
        table = rules.table()
        assert set(table["measure"]) <= measures
        assert set(table["failure"]) == set(FAILURES)
        assert set(table["severity"]) == set(GRADES[:2])
        assert table["name"].is_unique
        assert np.isfinite(table["limit"]).all()

    def test_severe_twins_are_never_met_before_their_rule(self, rules):
        limits = {rule.name: rule for rule in rules.rules}
        for name, severe in limits.items():
            if name.endswith("_severe"):
                mild = limits[name.removesuffix("_severe")]
                assert (severe.limit <= mild.limit) == (severe.bound == "at_least") or (
                    severe.limit == mild.limit
                )

    def test_a_table_brings_the_rules_back(self, rules):
        assert rules_from_table(rules.table()) == rules


class TestLimitsFromTruth:
    def made(self, **measures):
        """Return 21 volumes of one ilium whose quantiles fall on the second and 20th."""
        count = 21
        columns = {name: np.broadcast_to(value, count) for name, value in measures.items()}
        base = StructureShape("ilium", 100.0, 1, 1.0, 0.0, 20.0, 9.0, 9.0, 0.0, 0.5, 0.02)
        return [
            [replace(base, **{name: float(values[i]) for name, values in columns.items()})]
            for i in range(count)
        ]

    def limit(self, name, volumes, **choices) -> tuple[float, str]:
        """Return one rule's limit and origin."""
        found = rules_from_truth(volumes, choices=GradingChoices(**choices))
        (rule,) = [rule for rule in found.rules if rule.name == name]
        return rule.limit, rule.origin

    def test_volumes_may_fall_a_tolerance_below_the_quantile(self):
        volumes = self.made(volume_mm3=np.arange(80.0, 101.0))
        assert self.limit("ilium_volume", volumes) == (pytest.approx(0.8 * 81), "training truth")
        assert self.limit("ilium_volume_severe", volumes)[0] == pytest.approx(0.4 * 81)
        assert self.limit("ilium_present", volumes)[0] == pytest.approx(0.1 * 90)
        assert self.limit("ilium_excess", volumes)[0] == pytest.approx(1.2 * 99)
        assert self.limit("ilium_excess_severe", volumes)[0] == pytest.approx(2.4 * 99)

    def test_damaged_truth_does_not_excuse_later_damage(self):
        """Four of 21 volumes have a gap of 9 mm and a tenth of the volume."""
        damaged = np.arange(21) < 4
        volumes = self.made(
            slice_gap_mm=np.where(damaged, 9.0, 0.0), volume_mm3=np.where(damaged, 10.0, 100.0)
        )
        assert self.limit("ilium_gap", volumes) == (2.0, "fixed")
        assert self.limit("ilium_volume", volumes) == (50.0, "fixed")

    def test_natural_pieces_are_allowed_and_the_flawless_have_a_margin(self):
        assert self.limit("ilium_pieces", self.made()) == (0.95, "fixed")
        fragmented = self.made(largest_component_share=0.5)
        assert self.limit("ilium_pieces", fragmented) == (pytest.approx(0.4), "training truth")

    def test_volumes_without_the_structure_set_no_limit(self):
        volumes = self.made() + [[StructureShape("ilium", 0.0, 0)]]
        assert self.limit("ilium_volume", volumes)[0] == pytest.approx(80.0)
        assert rules_from_truth(volumes).volume_count == 22

    def test_a_choice_moves_its_limit_alone(self):
        volumes = self.made()
        before = rules_from_truth(volumes).table().set_index("name")["limit"]
        choices = GradingChoices(severe_gap_mm=6.0)
        after = rules_from_truth(volumes, choices=choices).table().set_index("name")["limit"]
        assert list(before.index[before != after]) == ["ilium_gap_severe"]


class TestRefusals:
    def test_rules_need_training_volumes_that_show_every_structure(self):
        with pytest.raises(ValueError, match="at least one training volume, got none"):
            rules_from_truth([])
        with pytest.raises(ValueError, match="must show ilium at least once, got 2 without"):
            rules_from_truth([[StructureShape("ilium", 0.0, 0)]] * 2)
        different = [[StructureShape("ilium", 9.0, 1)], [StructureShape("femoral_head", 9.0, 1)]]
        with pytest.raises(ValueError, match=r"same structures, got \['ilium'\] and \['femoral"):
            rules_from_truth(different)

    def test_shapes_must_hold_what_rules_look_at(self, rules):
        with pytest.raises(ValueError, match=r"shapes must hold \['femoral_head'\]"):
            grade([s for s in shapes(hip()) if s.structure != "femoral_head"], rules)

    def test_tables_of_other_things_are_refused(self, rules):
        with pytest.raises(ValueError, match=r"needs columns \['limit'\]"):
            rules_from_table(rules.table().drop(columns="limit"))
        both = rules.table()
        with pytest.raises(ValueError, match="of one kind of sweep"):
            rules_from_table(both.loc[both.index.repeat(2)])

    @pytest.mark.parametrize(
        ("choices", "message"),
        [
            ({"quantile": 0.5}, "quantile must be between 0 and 0.5, got 0.5"),
            ({"tolerance": 0.0}, "tolerance must be between 0 and 1.0"),
            ({"severe_factor": 1.5}, "severe_factor must be between"),
            ({"gap_mm": (2.0, 1.0)}, "gap_mm must be a rising pair"),
        ],
    )
    def test_choices_out_of_range_are_refused(self, choices, message):
        with pytest.raises(ValueError, match=message):
            GradingChoices(**choices)
