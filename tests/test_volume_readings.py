"""Readings of label volumes: blind, of what lies there now, and compared with rules."""

import numpy as np
import pandas as pd
import pytest

from hipus import images, paths, viewers, volume_readings
from hipus.formats.mask_files import write_mask
from hipus.reading_form import load_readings, readings_file, save_reading

SPACING = (0.9, 0.5, 0.7)
GRADES = {"S1": "good", "S2": "adequate", "S3": "insufficient"}


def grades() -> pd.DataFrame:
    """Return graded volumes of three infants; two are not kept on disk."""
    columns = ["subject_id", "sweep_id", "group", "poses", "grade"]
    rows = [(name, "left_p_a", "test_only", "tracked", grade) for name, grade in GRADES.items()]
    rows += [("S1", "left_p_a", "test_only", "predicted", "insufficient")]
    rows += [("S9", "left_p_a", "remaining", "tracked", "good")]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Write a grey volume and model 3.2's mask of each infant."""
    monkeypatch.setattr(paths, "results_dir", lambda profile: tmp_path / profile)
    for number, name in enumerate(GRADES):
        array = np.zeros((4, 6, 5), np.uint8)
        array[1:3, 2:5, 1:4] = 1 + number
        write_labels(name, array)
        grey = tmp_path / "made" / "sweep_volumes" / f"{name}_left_p_a_grey.mha"
        grey.parent.mkdir(parents=True, exist_ok=True)
        images.write(images.Volume(40 * array, SPACING), grey)
    return "made"


def write_labels(name: str, array: np.ndarray) -> None:
    """Write model 3.2's mask of an infant."""
    path = paths.results_dir("made") / "model_masks" / "3.2" / f"{name}_left_p_a.mha"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mask(images.Volume(array, SPACING), path, scheme="hip", made_by="model 3.2",
               origin="simulated", of=name)  # fmt: skip


def cases(rng) -> dict[str, str]:
    return volume_readings.cases_to_read("made", grades(), rng=rng)


def agreement(found: dict[str, str]) -> pd.DataFrame:
    """Compare all readings on disk with the rules."""
    readings = load_readings(volume_readings.readings_dir("made"))
    return volume_readings.agreement_table(readings, grades(), cases=found, seed=1, resamples=50)


def read(reader: str, found: dict[str, str], answers: dict[str, str]) -> None:
    """Let a reader grade some volumes."""
    path = readings_file(volume_readings.readings_dir("made"), reader)
    for name, grade in answers.items():
        case = f"{name}_left_p_a"
        save_reading(path, case, grade=grade, version=found[case])


class TestCases:
    def test_stored_volumes_are_read_and_no_others(self, study, rng):
        assert set(cases(rng)) == {f"{name}_left_p_a" for name in GRADES}

    def test_order_is_drawn(self, study):
        orders = {tuple(cases(np.random.default_rng(seed))) for seed in range(12)}
        assert len(orders) > 1

    def test_other_labels_are_another_version(self, study, rng):
        before = cases(rng)
        write_labels("S2", np.ones((4, 6, 5), np.uint8))
        after = cases(rng)
        assert {name for name in before if before[name] != after[name]} == {"S2_left_p_a"}

    def test_missing_mask_is_an_error(self, study, rng):
        (paths.results_dir(study) / "model_masks" / "3.2" / "S3_left_p_a.mha").unlink()
        with pytest.raises(FileNotFoundError, match=r"S3_left_p_a\.mha"):
            cases(rng)


def test_reader_sees_no_name_of_case_model_or_grade(study, monkeypatch):
    seen = []
    monkeypatch.setattr(viewers, "show_figure", lambda figure, *rest: seen.append((figure, rest)))
    volume_readings.show_case(study, "S1_left_p_a")
    ((figure, rest),) = seen
    texts = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    texts += " ".join(axes.get_title(loc="left") for axes in figure.axes)
    assert rest == ()
    assert not [word for word in ("S1", "left", "3.2", "good") if word in texts]


class TestAgreement:
    def test_nobody_has_read(self, study, rng):
        found = agreement(cases(rng))
        assert list(found.columns) == volume_readings.COLUMNS
        assert found.empty

    def test_kappa_of_a_reader_by_hand(self, study, rng):
        shown = cases(rng)
        read("ada", shown, {"S1": "good", "S2": "good", "S3": "insufficient"})
        found = agreement(shown).set_index("measure")
        # Quadratic weights: 1 of 3 pairs is off by one step; chance: sum of w p q over margins,
        # rule (1, 1, 1) / 3 and reader (1, 0, 2) / 3 from insufficient to good.
        expected = (1 * 2 * 4 + 1 * 1 * 1 + 1 * 2 * 1 + 1 * 1 * 4) / 9
        assert found.value["percent_agreement"] == pytest.approx(200 / 3)
        assert found.value["kappa_quadratic"] == pytest.approx(1 - (1 / 3) / expected)
        assert set(found["first"]) == {"rule"}
        assert set(found["case_count"]) == {3}

    def test_readers_are_compared_on_what_both_read(self, study, rng):
        shown = cases(rng)
        read("ada", shown, {"S1": "good", "S2": "good"})
        read("eve", shown, {"S2": "good", "S3": "adequate"})
        found = agreement(shown)
        counts = found[found.measure == "percent_agreement"].set_index(["first", "second"])
        assert counts.case_count.to_dict() == {
            ("rule", "ada"): 2, ("rule", "eve"): 2, ("ada", "eve"): 1,
        }  # fmt: skip

    def test_reading_of_older_labels_does_not_count(self, study, rng):
        shown = cases(rng)
        read("ada", shown, {"S1": "good", "S2": "good"})
        write_labels("S2", np.ones((4, 6, 5), np.uint8))
        assert set(agreement(cases(rng)).case_count) == {1}
