"""The drawn newborns: types, norms, seeds, sizes."""

import numpy as np
import pytest

from hipus.phantom.anatomy import population
from hipus.phantom.anatomy.population import GRAF_TYPES, draw_hip, draw_parameters
from hipus.seeds import generator


class TestDrawParameters:
    def test_equal_seeds_give_equal_hips_and_others_differ(self):
        one, same, other = (
            draw_parameters(generator(1, "phantom", name), side="left")
            for name in ("S001", "S001", "S002")
        )
        assert one == same != other

    @pytest.mark.parametrize("graf_type", GRAF_TYPES)
    def test_alpha_and_beta_lie_in_the_type(self, rng, graf_type):
        kind = GRAF_TYPES[graf_type]
        for _ in range(40):
            hip = draw_parameters(rng, side="left", graf_type=graf_type)
            assert kind.alpha_deg[0] <= hip.alpha_deg < kind.alpha_deg[1]
            assert kind.beta_deg[0] <= hip.beta_deg < kind.beta_deg[1]

    def test_alpha_is_the_norm_truncated_to_the_type(self, rng):
        drawn = [draw_parameters(rng, side="left", graf_type="Ib").alpha_deg for _ in range(2000)]
        # Mean of N(62.2, 5.7) above 60, in closed form: 65.22.
        assert np.mean(drawn) == pytest.approx(65.22, abs=0.35)

    def test_sections_keep_their_mean_difference(self, rng):
        hips = [draw_parameters(rng, side="left") for _ in range(1500)]
        front = np.mean([hip.alpha_anterior_deg - hip.alpha_deg for hip in hips])
        back = np.mean([hip.alpha_posterior_deg - hip.alpha_deg for hip in hips])
        assert front == pytest.approx(58.2 - 62.2, abs=0.15)
        assert back == pytest.approx(63.8 - 62.2, abs=0.15)

    def test_boys_and_older_children_are_larger(self, rng):
        sizes = {
            (sex, age): np.mean(
                [
                    draw_parameters(rng, side="left", sex=sex, age_days=age).head_diameter_mm
                    for _ in range(600)
                ]
            )
            for sex, age in (("f", 2.0), ("m", 2.0), ("f", 60.0))
        }
        assert sizes["m", 2.0] - sizes["f", 2.0] == pytest.approx(0.4, abs=0.1)
        assert sizes["f", 60.0] - sizes["f", 2.0] == pytest.approx(0.035 * 58, abs=0.1)

    def test_newborns_have_no_nucleus_and_half_year_olds_do(self, rng):
        newborn = [draw_parameters(rng, side="left").nucleus_diameter_mm for _ in range(100)]
        older = [
            draw_parameters(rng, side="left", age_days=200.0).nucleus_diameter_mm
            for _ in range(100)
        ]
        assert np.mean(np.array(newborn) > 0) < 0.05
        assert np.mean(np.array(older) > 1.0) > 0.8

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"graf_type": "V"}, "graf_type must be one of .* got 'V'"),
            ({"age_days": -1.0}, "age_days must be >= 0, got -1"),
            ({"sex": "x"}, r"sex must be one of \('f', 'm'\), got 'x'"),
        ],
    )
    def test_unknown_choices_are_refused(self, rng, wrong, message):
        with pytest.raises(ValueError, match=message):
            draw_parameters(rng, side="left", **wrong)


class TestDrawHip:
    @pytest.mark.parametrize("graf_type", GRAF_TYPES)
    def test_the_constructed_angles_lie_in_the_type(self, graf_type):
        drawn = draw_hip(generator(3, graf_type), side="right", graf_type=graf_type)
        kind = GRAF_TYPES[graf_type]
        assert kind.alpha_deg[0] <= drawn.truth.alpha_deg < kind.alpha_deg[1]
        assert kind.beta_deg[0] <= drawn.truth.beta_deg < kind.beta_deg[1]

    def test_dislocation_uncovers_the_head(self):
        covered = [
            draw_hip(generator(4, name), side="left", graf_type=name).truth
            for name in ("Ib", "IIc", "III", "IV")
        ]
        coverage = [truth.femoral_head_coverage_percent for truth in covered]
        assert coverage == sorted(coverage, reverse=True)
        assert coverage[0] > 50
        assert coverage[-1] < 10

    def test_an_impossible_type_ends(self, rng, monkeypatch):
        never = population.GrafType((60.0, 60.4), (55.0, 77.0), 62.0)
        monkeypatch.setitem(GRAF_TYPES, "never", never)
        monkeypatch.setattr(population, "_is_of", lambda truth, kind: False)
        monkeypatch.setattr(population, "ATTEMPTS", 2)
        with pytest.raises(RuntimeError, match="no hip of Graf type never in 2 draws"):
            draw_hip(rng, side="left", graf_type="never")
