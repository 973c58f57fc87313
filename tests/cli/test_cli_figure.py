"""`hipus figure`: names a person may use, what is written, and what is said where it cannot be."""

import shutil

import pytest

from hipus import config, paths, plain_yaml
from hipus.cli.figure import resolve
from hipus.stages import figures

NAMES = tuple(figures.FIGURES)
#: Drawn in a blink, from one table.
QUICK = "01_steps"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a study folder with settings, pipelines and the one table that is drawn."""
    for name in ("params.yaml", "dvc.yaml", "arms/dvc.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(paths.root() / name, tmp_path / name)
    table = tmp_path / "results" / "small" / "tables" / "cohort_step.csv"
    table.parent.mkdir(parents=True)
    shutil.copy(paths.table_file("small", "cohort_step"), table)
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    return tmp_path


class TestNames:
    @pytest.mark.parametrize("name", ["5", "05", "figure-5", "Figure 5", "fig5", "90_figure_05"])
    def test_a_figure_of_the_paper_has_many_names(self, name):
        assert resolve(name, NAMES) == "90_figure_05"

    @pytest.mark.parametrize("name", ["table-3", "table3", "Table 3", "tab. 3", "90_table_3"])
    def test_so_has_a_table(self, name):
        assert resolve(name, NAMES) == "90_table_3"

    def test_numbers_of_two_digits_are_no_numbers_of_one(self):
        assert resolve("12", NAMES) == "90_figure_12"

    def test_an_own_figure_is_called_by_its_name(self):
        assert resolve("10_hip_errors", NAMES) == "10_hip_errors"

    def test_an_unknown_name_offers_the_nearest(self):
        with pytest.raises(ValueError, match="no figure is called '10_hip_eror'.*10_hip_errors"):
            resolve("10_hip_eror", NAMES)

    @pytest.mark.parametrize("name", ["13", "table-7", "chapter-5"])
    def test_the_paper_has_no_more_of_them(self, name):
        with pytest.raises(ValueError, match=f"no figure is called '{name}'"):
            resolve(name, NAMES)

    def test_a_missing_name_is_refused(self, refused):
        assert "NAME of a figure is missing" in refused("figure")


class TestDrawing:
    def test_it_writes_both_formats_and_says_from_what(self, hipus, folder):
        said = hipus("figure", QUICK, "-o", folder / "here").json
        assert said["figure"] == QUICK
        assert [path.rsplit(".", 1)[1] for path in said["files"]] == ["pdf", "png"]
        assert all((folder / "here" / f"{QUICK}.{end}").stat().st_size for end in ("pdf", "png"))
        assert [path.rsplit("/", 1)[1] for path in said["made_from"]] == ["cohort_step.csv"]
        assert 0 < said["seconds"] < 60

    def test_without_a_folder_it_goes_where_the_stage_puts_it(self, hipus, folder):
        said = hipus("figure", QUICK).json
        assert said["files"][0] == str(folder / "figures" / "small" / f"{QUICK}.pdf")

    def test_it_is_the_figure_that_the_stage_draws_byte_for_byte(self, hipus, folder, monkeypatch):
        monkeypatch.setattr(figures, "FIGURES", {QUICK: figures.FIGURES[QUICK]})
        read = figures.main(config.load("small"))
        hipus("figure", QUICK, "-o", folder / "alone")
        assert [path.name for path in read] == ["cohort_step.csv"]
        for end in ("pdf", "png"):
            staged = folder / "figures" / "small" / f"{QUICK}.{end}"
            assert (folder / "alone" / staged.name).read_bytes() == staged.read_bytes()

    def test_an_absent_table_names_the_stage_that_makes_it(self, refused, folder):
        message = refused("figure", "table-2")
        assert "motion_published.csv" in message
        assert "dvc repro motion@small" in message

    def test_a_table_of_the_arms_names_their_pipeline(self, refused, folder):
        message = refused("figure", "42_spacing")
        assert "dvc repro arms/dvc.yaml:motion_spacing@small" in message

    def test_what_no_stage_makes_is_told_as_well(self, refused, folder, monkeypatch):
        function = figures.FIGURES[QUICK][0]
        monkeypatch.setattr(figures, "FIGURES", {QUICK: (function, ("nowhere",), "")})
        assert "dvc repro --glob '*@small'" in refused("figure", QUICK)

    def test_a_skipped_stage_leaves_nothing_to_draw(self, refused, folder):
        table = paths.table_file("small", "cohort_step")
        table.write_text(table.read_text().splitlines()[0] + "\n")
        assert "a stage was skipped in profile small, nothing to draw" in refused("figure", QUICK)
        assert not (folder / "figures").exists()

    def test_an_unknown_profile_is_refused(self, refused, folder):
        message = refused("figure", QUICK, "--profile", "huge")
        assert "profile must be one of ['paper', 'small', 'smoke'], got 'huge'" in message


class TestList:
    def test_every_figure_is_listed_with_what_it_shows(self, hipus):
        listed = hipus("figure", "--list").json["figures"]
        assert set(listed) == set(NAMES)
        assert all(len(words) > 10 and not words.endswith(".") for words in listed.values())

    def test_a_figure_drawn_with_an_option_says_what_it_shows_too(self, hipus):
        listed = hipus("figure", "--list").json["figures"]
        assert "partial" not in listed["90_figure_07"]
        assert listed["90_figure_07"] == listed["90_figure_08"]


def test_every_source_of_every_figure_is_made_by_a_stage():
    outs = {
        out
        for pipeline in ("dvc.yaml", "arms/dvc.yaml")
        for block in plain_yaml.read_documents(paths.root() / pipeline, max_bytes=1 << 20)[0][
            "stages"
        ].values()
        for entry in block["do"].get("outs", [])
        for out in ([entry] if isinstance(entry, str) else entry)
    }
    for name, entry in figures.FIGURES.items():
        for path in figures.Case("small", name, *entry).sources():
            out = path.relative_to(paths.root()).as_posix().replace("/small/", "/${item}/")
            assert out in outs, (name, out)
