"""All models at once by ranks: hand-worked answers and the libraries as references."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hipus.rank_tests import friedman, nemenyi


@pytest.fixture
def scores(rng) -> pd.DataFrame:
    """Return mean Dice of 10 subjects and 5 models."""
    means = {"2.1": 0.5, "2.2": 0.52, "2.3": 0.53, "3.1": 0.62, "3.2": 0.70}
    skill = rng.normal(0, 0.05, 10)
    columns = {name: mean + skill + rng.normal(0, 0.08, 10) for name, mean in means.items()}
    return pd.DataFrame(columns, index=[f"T{number:03d}" for number in range(10)])


class TestAgainstLibraries:
    def test_friedman_is_that_of_pingouin(self, scores):
        import pingouin

        found, peer = friedman(scores), pingouin.friedman(scores).iloc[0]
        assert found.statistic == pytest.approx(peer["Q"])
        assert found.kendalls_w == pytest.approx(peer["W"])
        assert found.p == pytest.approx(peer["p_unc"])
        assert (found.subject_count, found.model_count, found.degrees_of_freedom) == (10, 5, 4)

    def test_nemenyi_is_the_studentised_range_of_mean_ranks(self, scores):
        found = nemenyi(scores).set_index(["model_a", "model_b"])
        assert list(found.index) == list(itertools.combinations(scores.columns, 2))
        ranks = np.mean([stats.rankdata(row) for row in scores.to_numpy()], axis=0)
        difference = ranks[4] - ranks[0]
        row = found.loc[("2.1", "3.2")]
        assert row["mean_rank_difference"] == pytest.approx(-difference)
        scaled = difference / np.sqrt(5 * 6 / (6 * 10)) * np.sqrt(2)
        assert row["p"] == pytest.approx(stats.studentized_range.sf(scaled, 5, np.inf), rel=1e-6)


class TestFriedmanByHand:
    def test_all_subjects_ranking_alike_is_full_concordance(self):
        """Rank sums 4, 8, 12: 12 / (4 * 3 * 4) * (16 + 64 + 144) - 3 * 4 * 4 = 8."""
        table = pd.DataFrame([[1.0, 2.0, 3.0]] * 4, columns=list("abc"))
        found = friedman(table)
        assert found.statistic == pytest.approx(8.0)
        assert found.kendalls_w == pytest.approx(1.0)
        assert found.p == pytest.approx(np.exp(-4.0))  # chi-squared with 2 degrees

    def test_models_that_always_tie_do_not_rank(self):
        found = friedman(pd.DataFrame(np.zeros((3, 3)), columns=list("abc")))
        assert (found.statistic, found.p, found.kendalls_w) == (0.0, 1.0, 0.0)


class TestRefusals:
    def test_two_models_are_a_pair_and_no_ranking(self, scores):
        for test in (friedman, nemenyi):
            with pytest.raises(ValueError, match="at least 3 models for Friedman's test, got 2"):
                test(scores[["3.1", "3.2"]])

    def test_a_subject_without_a_model_is_named(self, scores):
        scores.loc["T004", "2.2"] = np.inf
        for test in (friedman, nemenyi):
            with pytest.raises(ValueError, match="subject T004 has no finite value of model 2.2"):
                test(scores)
