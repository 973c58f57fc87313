"""Who is who: ids that tell nothing, dates that move together, a file that stays outside."""

import stat

import numpy as np
import pandas as pd
import pytest

from hipus.intake import pseudonyms


def rows(people: dict, cohort="first") -> pd.DataFrame:
    """Return a mapping of one sweep a patient."""
    listed = [
        {
            "cohort": cohort,
            "subject_id": who.subject_id,
            "sweep_id": "left_p_a",
            "patient": patient,
            "file": "a.mha",
            "operator": "Nurse One",
            "operator_id": "O1",
            "shift_days": who.shift_days,
            "secret": who.secret,
        }
        for patient, who in people.items()
    ]
    return pd.DataFrame(listed)


@pytest.fixture
def nobody(tmp_path) -> pd.DataFrame:
    """Return the mapping before the first import."""
    return pseudonyms.read_mapping(tmp_path / "none.csv")


class TestAssigning:
    def test_each_patient_has_one_id_and_each_id_one_patient(self, nobody, rng):
        found = pseudonyms.assign(["b", "a", "b", "c"], nobody, rng)
        assert sorted(found) == ["a", "b", "c"]
        assert {who.subject_id for who in found.values()} == {"S001", "S002", "S003"}

    def test_ids_do_not_follow_the_order_of_names(self, nobody):
        names = [f"name{number:02d}" for number in range(20)]
        found = pseudonyms.assign(names, nobody, np.random.default_rng(1))
        ids = [found[name].subject_id for name in names]
        assert ids != sorted(ids)

    def test_dates_move_back_by_a_day_to_ten_years(self, nobody, rng):
        found = pseudonyms.assign([str(n) for n in range(300)], nobody, rng)
        days = [who.shift_days for who in found.values()]
        assert -3650 <= min(days) < max(days) <= -1
        assert len(set(days)) > 200

    def test_who_comes_again_keeps_id_days_and_secret(self, nobody, rng):
        first = pseudonyms.assign(["a", "b"], nobody, rng)
        again = pseudonyms.assign(["b", "c"], rows(first), rng)
        assert again["b"] == first["b"]
        assert again["c"].subject_id == "S003"

    def test_other_randomness_gives_other_days(self, nobody):
        one, two = (
            pseudonyms.assign(["a"], nobody, np.random.default_rng(seed))["a"] for seed in (1, 2)
        )
        assert one.secret != two.secret
        assert one.shift_days != two.shift_days

    def test_operators_are_persons_too(self, nobody):
        assert pseudonyms.operator_ids(["Zoe", "", "Al", "Zoe"], nobody) == {
            "": "",
            "Zoe": "O1",
            "Al": "O2",
        }

    def test_known_operators_keep_their_ids(self, nobody, rng):
        known = rows(pseudonyms.assign(["a"], nobody, rng))
        assert pseudonyms.operator_ids(["New", "Nurse One"], known)["Nurse One"] == "O1"


class TestFile:
    def test_it_comes_back_and_only_its_owner_reads_it(self, nobody, rng, tmp_path):
        path = tmp_path / "who.csv"
        known = rows(pseudonyms.assign(["007", "b"], nobody, rng))
        pseudonyms.write_mapping(known, path)
        back = pseudonyms.read_mapping(path)
        assert list(back.patient) == list(known.sort_values("subject_id").patient)
        assert set(back.patient) == {"007", "b"}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_another_table_is_refused(self, tmp_path):
        (tmp_path / "who.csv").write_text("patient\na\n")
        with pytest.raises(ValueError, match="needs columns"):
            pseudonyms.read_mapping(tmp_path / "who.csv")

    def test_it_must_lie_outside_what_is_passed_on(self, tmp_path):
        pseudonyms.check_outside(tmp_path / "who.csv", tmp_path / "cohort")
        with pytest.raises(ValueError, match="must lie outside"):
            pseudonyms.check_outside(tmp_path / "cohort" / "a" / "who.csv", tmp_path / "cohort")
        with pytest.raises(ValueError, match="must lie outside"):
            pseudonyms.check_outside(
                tmp_path / "x" / ".." / "cohort" / "who.csv", tmp_path / "cohort"
            )
