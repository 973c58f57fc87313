"""Tissue, point by point: which level is returned where, and what is lost."""

import numpy as np
import pytest

from hipus.phantom.ultrasound import guides
from hipus.phantom.ultrasound.appearance import RANGES, TABLE_STEP_MM, Levels
from hipus.phantom.ultrasound.tissue_kernel import (
    below,
    bone_echo,
    bone_fraction,
    fascia_db,
    in_capsule,
    joint_db,
    layers_db,
    look_up,
    loss_db_per_mm,
    mix,
    sparkle_db,
)

#: The middle of every range.
LEVELS = Levels(**{name: sum(limits) / 2 for name, limits in RANGES.items()})
FAR = 8.0


def beam_row(**given) -> np.ndarray:
    """Return guides of one line: everything far away, no variation, but what is given."""
    row = np.zeros((guides.GUIDE_COUNT, 1), np.float32)
    row[: guides.SKIN] = FAR
    row[guides.SKIN] = row[guides.LAYER] = 15.0
    row[guides.LAYER_SLOPE] = 1.0
    for name, value in given.items():
        row[getattr(guides, name)] = value
    return row


class TestBorders:
    def test_a_border_is_smooth_and_symmetric(self):
        assert [below(v, 0.5) for v in (-0.6, 0.0, 0.6)] == [1, 0.5, 0]
        assert below(-0.2, 0.5) + below(0.2, 0.5) == pytest.approx(1)

    def test_mixing_goes_from_first_to_second(self):
        assert [mix(-40.0, -20.0, w) for w in (0.0, 0.25, 1.0)] == [-40, -35, -20]

    def test_tables_are_interpolated_and_end(self):
        table = np.arange(10, dtype=np.float32)
        start = -12.0
        assert look_up(table, start + 2.5 * TABLE_STEP_MM) == pytest.approx(2.5)
        assert look_up(table, start - 5) == 0
        assert look_up(table, start + 99) == pytest.approx(9, abs=0.01)


class TestLayers:
    def level(self, sheets_db=0.0, **given):
        return layers_db(beam_row(**given), 0, LEVELS, sheets_db)

    def test_from_outside_in_come_gel_skin_fat_and_muscle(self):
        fat = LEVELS.skin_mm + 0.5 * LEVELS.fat_mm
        assert self.level(SKIN=-1.0, LAYER=-1.0) == pytest.approx(LEVELS.gel_db)
        assert self.level(SKIN=0.6, LAYER=0.6) == pytest.approx(LEVELS.skin_db, abs=0.1)
        assert self.level(SKIN=fat, LAYER=fat) == pytest.approx(LEVELS.fat_db)
        assert self.level() == pytest.approx(LEVELS.muscle_db)

    def test_the_epidermis_is_the_brightest_of_the_skin(self):
        assert self.level(SKIN=0.15, LAYER=0.15) > self.level(SKIN=0.6, LAYER=0.6) + 3

    def test_fascia_adds_in_muscle_but_not_in_gel(self):
        assert self.level(20.0) == pytest.approx(LEVELS.muscle_db + 20 * LEVELS.stripe_gain)
        assert self.level(20.0, SKIN=-1.0) == pytest.approx(LEVELS.gel_db)


class TestFascia:
    TABLES = np.full((3, 1200), 20, np.float32)

    def test_met_at_a_slant_it_fades(self):
        echoes = [
            fascia_db(beam_row(LAYER_SLOPE=along, LAYER_ACROSS=across), 0, LEVELS, self.TABLES)
            for along, across in ((1.0, 0.0), (0.8, 0.6), (0.0, 1.0))
        ]
        assert echoes[0] > 1.5 * echoes[1] > 0
        assert echoes[2] == 0

    def test_it_comes_and_goes_along_its_length(self):
        one = self.TABLES.copy()
        one[1:] = 0
        there, gone = (fascia_db(beam_row(ALONG=a), 0, LEVELS, one) for a in (0.5, -2.0))
        assert there > 10
        assert gone == 0

    def test_without_tables_there_is_none(self):
        assert fascia_db(beam_row(), 0, LEVELS, 0 * self.TABLES) == 0


class TestJoint:
    def level(self, beyond=0.0, soft_db=-46.0, **given):
        return joint_db(beam_row(**given), 0, LEVELS, soft_db, beyond)

    def test_far_from_the_joint_muscle_stays(self):
        assert self.level() == pytest.approx(-46)

    @pytest.mark.parametrize(
        ("structure", "level"),
        [
            ("HEAD", "head_db"),
            ("LABRUM", "labrum_db"),
            ("CARTILAGE", "cartilage_db"),
            ("TRIRADIATE", "triradiate_db"),
        ],
    )
    def test_inside_a_structure_is_its_level(self, structure, level):
        assert self.level(**{structure: -3.0}) == pytest.approx(getattr(LEVELS, level))

    def test_behind_the_joint_lies_deep_tissue(self):
        assert self.level(beyond=1.0) == pytest.approx(LEVELS.deep_db)

    def test_under_the_head_lies_bright_fat_and_above_it_none(self):
        under = self.level(beyond=1.0, HEAD=1.1, HEAD_SLOPE=1.0)
        above = self.level(HEAD=1.1, HEAD_SLOPE=-1.0)
        assert under == pytest.approx(LEVELS.pulvinar_db, abs=1)
        assert above == pytest.approx(-46)

    def test_the_capsule_is_bright_where_met_squarely(self):
        square, slant = (self.level(CAPSULE=0.0, CAPSULE_SLOPE=s) for s in (-1.0, -0.3))
        assert square == pytest.approx(LEVELS.capsule_db)
        assert slant == pytest.approx(-46)

    def test_a_beam_knows_when_it_enters_the_joint(self):
        assert in_capsule(beam_row(CAPSULE=-2.0), 0) == 1
        assert in_capsule(beam_row(CAPSULE=1.0), 0) == 0


class TestSparkles:
    def test_they_lie_within_the_head_only(self):
        strong = {"SPARKLE": 4.0, "SPARKLE_2": 0.0}
        assert sparkle_db(beam_row(HEAD=-4.0, **strong), 0, LEVELS) == pytest.approx(
            LEVELS.sparkle_db
        )
        assert sparkle_db(beam_row(HEAD=0.1, **strong), 0, LEVELS) == 0
        assert sparkle_db(beam_row(HEAD=-4.0), 0, LEVELS) == 0


class TestBone:
    def test_its_inside_is_full_and_its_outside_empty(self):
        assert bone_fraction(beam_row(BONE=-1.0), 0, LEVELS) == 1
        assert bone_fraction(beam_row(BONE=0.5), 0, LEVELS) == 0

    def test_the_echo_follows_the_incidence_law(self):
        full, half = (bone_echo(beam_row(BONE=0.0, BONE_SLOPE=-c), 0, LEVELS) for c in (1.0, 0.5))
        assert 20 * np.log10(full) == pytest.approx(LEVELS.bone_db, abs=1e-3)
        assert half / full == pytest.approx(0.05 + 0.95 * 0.5**LEVELS.incidence_power, rel=1e-4)

    def test_a_surface_that_faces_away_reflects_almost_nothing(self):
        away = bone_echo(beam_row(BONE=0.0, BONE_SLOPE=1.0), 0, LEVELS)
        towards = bone_echo(beam_row(BONE=0.0, BONE_SLOPE=-1.0), 0, LEVELS)
        assert away / towards == pytest.approx(0.05)

    def test_it_fades_over_its_tail_behind_the_front(self):
        front, behind = (
            bone_echo(beam_row(BONE=-d, BONE_SLOPE=-1.0), 0, LEVELS)
            for d in (0.0, LEVELS.bone_tail_mm)
        )
        assert behind / front == pytest.approx(np.exp(-1), rel=1e-3)
        assert bone_echo(beam_row(BONE=3.0, BONE_SLOPE=-1.0), 0, LEVELS) == 0


class TestLoss:
    def test_muscle_loses_what_the_console_compensates(self):
        assert loss_db_per_mm(beam_row(), 0, LEVELS, 0.0, 0.0) == pytest.approx(0, abs=1e-6)

    def test_bone_takes_all_and_cartilage_less_than_nominal(self):
        row = beam_row(HEAD=-4.0, HEAD_SLOPE=-0.9)
        assert loss_db_per_mm(row, 0, LEVELS, 1.0, 0.0) == pytest.approx(LEVELS.bone_loss)
        assert loss_db_per_mm(row, 0, LEVELS, 0.0, 1.0) == pytest.approx(LEVELS.cartilage_loss)

    def test_tissue_behind_the_joint_loses_more(self):
        assert loss_db_per_mm(beam_row(), 0, LEVELS, 0.0, 1.0) == pytest.approx(LEVELS.deep_loss)

    def test_grazing_the_head_costs_an_edge_shadow(self):
        grazing, square = (
            loss_db_per_mm(beam_row(HEAD=0.0, HEAD_SLOPE=s), 0, LEVELS, 0.0, 0.0)
            for s in (0.0, -0.9)
        )
        assert grazing - square == pytest.approx(LEVELS.edge_loss, rel=1e-3)
