"""The checklist says met, not met or not assessable, each with what was found."""

import pytest
from made_sections import MadeSection

from hipus.labels import HipLabel
from hipus.morphometry.graf_section import measure_section
from hipus.morphometry.section_quality import STATES, limits

NAMES = [
    "lower limb",
    "ilium straight",
    "ilium parallel to the probe",
    "labrum",
    "chondro-osseous border",
    "head in view",
    "head round",
]


def checks(made: MadeSection, labels=None):
    """Return the checklist by name."""
    labels = made.labels() if labels is None else labels
    found = measure_section(labels, scheme="hip", spacing_yx_mm=made.spacing_yx_mm)
    return found, {check.name: check for check in found.checks}


class TestChecklist:
    def test_a_good_section_meets_all_that_can_be_told(self):
        found, by_name = checks(MadeSection())
        assert list(by_name) == NAMES
        states = {name: check.state for name, check in by_name.items()}
        assert states.pop("chondro-osseous border") == "not assessable"
        assert set(states.values()) == {"met"}
        assert found.is_standard_plane
        assert all(check.state in STATES and check.detail for check in found.checks)

    @pytest.mark.parametrize(
        ("turn", "state"), [(-14.0, "not met"), (7.0, "met"), (13.0, "not met")]
    )
    def test_a_tilted_ilium_is_flagged_and_measured(self, turn, state):
        found, by_name = checks(MadeSection(turn_deg=turn))
        assert by_name["ilium parallel to the probe"].state == state
        tilt_deg, _, words = by_name["ilium parallel to the probe"].detail.partition(" ")
        assert float(tilt_deg) == pytest.approx(abs(turn), abs=0.5)
        assert words == "deg of tilt; asked <= 10"
        assert found.is_standard_plane == (state == "met")
        assert not found.alpha_deg.is_refused

    def test_a_short_roof_misses_its_lower_limb(self):
        found, by_name = checks(MadeSection(roof_mm=4.6))
        assert by_name["lower limb"].state == "not met"
        assert "medial of the baseline; asked >= 4.5" in by_name["lower limb"].detail
        assert not found.alpha_deg.is_refused

    def test_a_roof_that_the_border_cuts_says_so(self):
        made = MadeSection(roof_mm=9.0, turn_deg=0.0)
        labels = made.labels()
        rim_row = round((made.size_mm[0] / 2) / 0.25)
        found, by_name = checks(made, labels[: rim_row + 14])
        assert by_name["lower limb"].detail.endswith("the picture's border cuts the ilium")

    def test_without_a_labrum_label_the_labrum_is_not_assessable(self):
        labels = MadeSection().labels()
        labels[labels == HipLabel.LABRUM] = 0
        _, by_name = checks(MadeSection(), labels)
        assert by_name["labrum"].state == "not assessable"
        assert by_name["labrum"].detail == "no labrum label"

    def test_a_cut_head_is_not_in_view(self):
        _, by_name = checks(MadeSection(size_mm=(46.0, 44.0)))
        assert by_name["head in view"].state == "not met"

    def test_without_a_head_its_points_are_not_assessable(self):
        labels = MadeSection().labels()
        labels[labels == HipLabel.FEMORAL_HEAD] = HipLabel.CHONDRO_OSSEOUS_BORDER
        _, by_name = checks(MadeSection(), labels)
        assert by_name["head in view"].state == by_name["head round"].state == "not assessable"
        assert by_name["chondro-osseous border"].state == "met"

    def test_limits_come_from_the_table(self):
        assert set(limits()) == {"limb_depth_mm", "wing_bent_mm", "wing_tilt_deg", "head_roundness"}
