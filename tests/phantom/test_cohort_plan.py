"""Who is in the cohort: published counts, stable subjects, one assignment."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hipus import config, paths, tables
from hipus.phantom.cohort.frozen import check_frozen, frozen_hash, frozen_parameters
from hipus.phantom.cohort.infants import SPECTRUM, draw_block, spectrum_infant, spread
from hipus.phantom.cohort.plan import plan_cohort
from hipus.phantom.cohort.settings import CohortSettings

SEED = 7
PROFILES = {
    name: CohortSettings.from_config(config.load(name).cohort) for name in config.profiles()
}
PAPER = plan_cohort(PROFILES["paper"], SEED)
SMALL = plan_cohort(PROFILES["small"], SEED)


def study_of(plan):
    """Return the study's subjects and hips."""
    subjects = plan.subjects[plan.subjects.cohort == "study"]
    return subjects, plan.hips[plan.hips.subject_id.isin(subjects.subject_id)]


class TestPublishedCounts:
    def test_the_fifty_have_the_printed_demographics(self):
        subjects, hips = study_of(PAPER)
        printed = tables.read(paths.data_dir() / "cohort" / "published_cohort.csv")
        value = printed.set_index(["group", "quantity"]).value
        assert len(subjects) == value["cohort", "infants"]
        assert (subjects.sex == "f").sum() == value["cohort", "female"]
        assert subjects.age_days.mean() == pytest.approx(value["cohort", "age_mean"], abs=0.05)
        assert subjects.age_days.std() == pytest.approx(value["cohort", "age_sd"], abs=0.005)
        assert (hips.graf_type == "Ib").sum() == value["hips", "graf_Ib"]
        assert (hips.graf_type == "IIa").sum() == value["hips", "graf_IIa"]
        with_iia = hips[hips.graf_type == "IIa"].subject_id.nunique()
        assert with_iia == value["hips", "infants_with_IIa"]

    def test_every_column_is_that_of_table_6_but_no_infant_is(self):
        table = tables.read(paths.data_dir() / "published" / "midl2026_table6_cohort.csv")
        block = draw_block(np.random.default_rng(3))
        assert Counter(infant.sex for infant in block) == Counter(table.sex)
        assert Counter(infant.age_days for infant in block) == Counter(table.age_days)
        pairs = Counter((infant.right_type, infant.left_type) for infant in block)
        assert pairs == Counter(zip(table.graf_right, table.graf_left, strict=True))
        whole = [tuple(vars(infant).values()) for infant in block]
        rows = table[["sex", "age_days", "graf_right", "graf_left"]]
        assert whole != list(rows.itertuples(index=False, name=None))

    def test_no_printed_id_occurs(self):
        table = tables.read(paths.data_dir() / "published" / "midl2026_table6_cohort.csv")
        text = PAPER.subjects.to_csv() + PAPER.hips.to_csv() + PAPER.sweeps.to_csv()
        assert not [name for name in table.patient_id if name in text]

    def test_the_first_few_resemble_the_whole(self):
        values = spread(np.random.default_rng(0), {"a": 30, "b": 15, "c": 5})
        for count in (10, 20, 37):
            seen = Counter(values[:count])
            for value, total in {"a": 30, "b": 15, "c": 5}.items():
                assert abs(seen[value] - total * count / 50) <= 1.0


class TestStability:
    def test_a_subject_is_the_same_in_every_profile(self):
        for name in ("subjects", "hips"):
            small, paper = getattr(SMALL, name), getattr(PAPER, name)
            columns = ["sex", "age_days"] if name == "subjects" else ["graf_type"]
            key = [column for column in ("subject_id", "side") if column in small]
            both = small.merge(paper, on=key, suffixes=("", "_paper"))
            assert len(both) > 20
            for column in columns:
                assert (both[column] == both[f"{column}_paper"]).all()

    def test_adding_a_subject_changes_no_other(self):
        more = replace(PROFILES["small"], test_subjects=11, study_train=9)
        grown = plan_cohort(more, SEED)
        for name in ("subjects", "hips", "sweeps"):
            before, after = getattr(SMALL, name), getattr(grown, name)
            kept = after[after.subject_id.isin(SMALL.subjects.subject_id)]
            pd.testing.assert_frame_equal(before, kept.reset_index(drop=True))
        assert set(grown.subjects.subject_id) - set(SMALL.subjects.subject_id) == {"S009", "S111"}

    def test_another_seed_gives_another_cohort(self):
        other = plan_cohort(PROFILES["small"], SEED + 1)
        assert not other.subjects.equals(SMALL.subjects)


class TestAssignment:
    def test_every_subject_has_one_split_and_only_two_groups_train(self):
        subjects = PAPER.subjects
        assert subjects.subject_id.is_unique
        trained = SMALL.subjects[SMALL.subjects.split == "train"]
        assert set(trained.cohort) == {"study", "training_only"}
        assert set(subjects[subjects.cohort == "test"].split) == {"test"}

    def test_small_has_the_printed_volumes_and_enough_sweeps_for_motion(self):
        study, _ = study_of(SMALL)
        labelled = study[study.is_labelled_3d].split.value_counts()
        assert (4 * labelled).to_dict() == {"train": 32, "validation": 8, "test": 8}
        joined = SMALL.sweeps.merge(SMALL.subjects, on="subject_id")
        volumetric = joined[joined.sweep_type != "graf"]
        # 1 in 18 sweeps is rejected.
        assert 0.945 * (volumetric.split == "train").sum() >= 120

    def test_the_printed_twelve_sweeps_are_validation(self):
        joined = PAPER.sweeps.merge(PAPER.subjects, on="subject_id")
        part = joined[(joined.split == "validation") & (joined.sweep_type != "graf")]
        assert len(part) == 12

    def test_small_has_graf_sweeps_of_two_subjects_of_the_study(self):
        graf = SMALL.sweeps[SMALL.sweeps.sweep_type == "graf"].merge(SMALL.subjects)
        assert graf[graf.cohort == "study"].subject_id.nunique() == 2

    def test_smoke_has_three_and_two(self):
        plan = plan_cohort(PROFILES["smoke"], SEED)
        counts = plan.subjects.cohort.value_counts()
        assert (counts["study"], counts["test"]) == (3, 2)

    def test_the_second_centre_is_untracked_and_has_its_own_operators(self):
        joined = PAPER.sweeps.merge(PAPER.subjects, on="subject_id")
        away = joined.centre == 2
        assert away.sum() == 6 * 97
        assert not joined[away].is_tracked.any()
        assert not set(joined[away].operator_id) & set(joined[~away].operator_id)


class TestVariants:
    def test_repeats_have_two_operators_and_a_still_twin(self):
        sweeps = SMALL.sweeps[SMALL.sweeps.subject_id == "S501"]
        assert sweeps.operator_id.nunique() == sweeps.session_id.nunique() == 2
        still = sweeps[sweeps.variant == "still"]
        assert list(still.infant_motion) == [0.0, 0.0]
        assert set(still.drawn_as) <= set(sweeps[sweeps.variant == "repeat"].sweep_id)

    def test_restless_twins_are_the_same_sweeps(self):
        sweeps = SMALL.sweeps[SMALL.sweeps.subject_id == "S501"]
        drawn = [set(sweeps[sweeps.variant == name].drawn_as) for name in ("still", "restless")]
        assert drawn[0] == drawn[1]
        assert len(drawn[0]) == 2

    def test_the_grid_is_complete_and_shares_one_draw(self):
        sweeps = PAPER.sweeps[PAPER.sweeps.subject_id == "S601"]
        axes = ["path_length_mm", "duration_s", "infant_motion"]
        assert len(sweeps.drop_duplicates(axes)) == len(sweeps) == 27
        assert set(sweeps.drawn_as) == {"left_p_a"}

    def test_the_spectrum_goes_through_all_types(self, rng):
        infants = [spectrum_infant(rng, index) for index in range(5)]
        seen = {kind for infant in infants for kind in (infant.right_type, infant.left_type)}
        assert seen == set(SPECTRUM)

    def test_work_is_sorted_by_length_and_complete(self):
        parts = SMALL.each()
        counts = [len(part.sweeps) for part in parts]
        assert counts == sorted(counts, reverse=True)
        assert {part.subject_id for part in parts} == set(SMALL.subjects.subject_id)

    def test_an_unknown_subject_is_refused(self):
        with pytest.raises(ValueError, match="subject_id must be one of the plan's, got 'S999'"):
            SMALL.subject("S999")


class TestSettings:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"study_test": 3}, "cohort.study_test must lie between 0 and 2, got 3"),
            ({"test_subjects": -1}, "cohort.test_subjects must lie between 0 and 99, got -1"),
            ({"labelled_3d": (9, 2, 2)}, "cohort.labelled_3d must be 3 counts within"),
            ({"frame_rows": 4}, "cohort.frame_rows must be >= 8, got 4"),
            ({"scene_spacing_mm": 0.0}, "cohort.scene_spacing_mm must lie between 0.05 and 2"),
        ],
    )
    def test_impossible_sizes_are_refused(self, change, message):
        with pytest.raises(ValueError, match=message):
            replace(PROFILES["small"], **change)

    def test_lists_of_a_file_become_tuples(self):
        assert replace(PROFILES["small"], grid_motion=[0.0]).grid_motion == (0.0,)

    def test_they_are_those_of_params_yaml(self):
        block = config.load("smoke").cohort
        assert CohortSettings.from_config(replace(block, frame_rows=99)).shape_px == (99, 128)


class TestFrozenParameters:
    def test_constants_defaults_and_written_numbers_are_found(self):
        found = frozen_parameters()
        assert found["acquisition.infant.amplitude_mm"] == "1.2"
        assert found["acquisition.session.LAG_S"] == "[-0.065, 0.02]"
        assert "ultrasound.speckle.PERIOD_MM" in found
        assert "ultrasound.settings.draw_settings()" in found
        assert "ultrasound.settings.ProbeSettings.elevational_fwhm_mm" in found
        assert "ultrasound.settings.ProbeSettings.shape_px" not in found

    def test_the_hash_is_that_of_the_values(self, monkeypatch):
        from hipus.phantom.acquisition import session

        before = frozen_hash()
        assert before == frozen_hash()  # reading a value twice changes nothing
        assert len(before) == 64
        monkeypatch.setattr(session, "LAG_S", (-0.065, 0.021))
        assert frozen_hash() != before

    def test_params_yaml_holds_the_code_s_fingerprint(self):
        check_frozen(config.load("smoke").common.simulation_sha256)

    def test_another_fingerprint_is_refused_with_what_to_do(self):
        with pytest.raises(ValueError, match="rerun every profile .* list all results") as caught:
            check_frozen(64 * "0")
        assert frozen_hash() in str(caught.value)
