"""Stage `figures`: one figure to be shown, many drawn in several processes."""

import shutil

import numpy as np
import pytest
from matplotlib.figure import Figure
from study_folders import CHECKOUT

from hipus import config, parallel, paths, tables
from hipus.figures import style
from hipus.stages import figures

#: Drawn in a blink, from one kept table each.
QUICK = ("01_steps", "01_raters", "04_agreement")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a study folder with the kept content of three figures, and those figures alone."""
    few = {name: figures.FIGURES[name] for name in QUICK}
    cases = [figures.Case("small", name, *entry) for name, entry in few.items()]
    shutil.copy(CHECKOUT / "params.yaml", tmp_path)
    for source in (path for case in cases for path in case.sources()):
        target = tmp_path / source.relative_to(CHECKOUT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    monkeypatch.setattr(figures, "FIGURES", few)
    return tmp_path


def drawn(folder) -> dict[str, bytes]:
    """Return the files of the small profile's figures by name."""
    return {path.name: path.read_bytes() for path in (folder / "figures" / "small").iterdir()}


class TestDrawing:
    def test_a_figure_is_returned_and_not_saved(self, folder):
        assert isinstance(figures.drawing("small", "01_steps"), Figure)
        assert not (folder / "figures").exists()

    def test_nothing_is_drawn_of_an_empty_table(self, folder):
        table = paths.table_file("small", "cohort_step")
        table.write_text(table.read_text().splitlines()[0] + "\n")
        assert figures.drawing("small", "01_steps") is None
        assert figures.draw("small", "01_steps", folder / "out") == figures.Drawn([], [])
        assert not (folder / "out").exists()

    def test_an_absent_table_says_how_it_is_made(self, folder):
        paths.table_file("small", "cohort_step").unlink()
        with pytest.raises(FileNotFoundError, match=r"cohort_step.csv is missing: run `dvc repro"):
            figures.drawing("small", "01_steps")


class TestOrigin:
    @pytest.mark.parametrize(
        ("origin", "said"), [(None, True), ("simulated", True), ("recorded", False)]
    )
    def test_a_figure_says_where_the_cohort_comes_from(self, folder, origin, said):
        if origin:
            tables.write_metrics({"origin": origin}, paths.metrics_file("small", "cohort"))
        figure = figures.drawing("small", "01_steps")
        label = figure.axes[0].get_xlabel()
        assert ("simulated" in label) == said
        assert ("recorded" in label) != said
        raters = figures.drawing("small", "01_raters")
        assert "simulated, as fitted" in raters.axes[0].get_legend_handles_labels()[1]

    def test_bytes_of_a_simulated_cohort_are_those_of_the_bare_drawing(self, folder):
        tables.write_metrics({"origin": "simulated"}, paths.metrics_file("small", "cohort"))
        for name, (function, names, _) in figures.FIGURES.items():
            own = figures.draw("small", name, folder / "own")
            given = [tables.read(paths.table_file("small", one)) for one in names]
            bare = style.save(function(*given), folder / name)
            assert [path.read_bytes() for path in own.files] == [one.read_bytes() for one in bare]

    def test_what_tells_the_origin_is_read(self, folder):
        path = paths.metrics_file("small", "cohort")
        assert path not in figures.main(config.load("small"))
        tables.write_metrics({"origin": "recorded"}, path)
        assert path in figures.main(config.load("small"))


class TestAllFigures:
    def test_several_processes_write_the_same_bytes_as_one(self, folder, monkeypatch):
        monkeypatch.setattr(parallel, "usable_cores", lambda: 2)
        read = figures.main(config.load("small"))
        alone = drawn(folder)
        shutil.rmtree(folder / "figures")
        monkeypatch.setattr(figures, "FEW", 0)
        assert figures.main(config.load("small")) == read
        assert drawn(folder) == alone
        assert len(alone) == 2 * len(QUICK)


@pytest.mark.parametrize(
    ("given", "names"), [("", ()), ("cohort", ("cohort",)), (("a", "b"), ("a", "b"))]
)
def test_a_figure_has_no_one_or_several_inputs(given, names):
    assert figures.named_inputs(given) == names


def test_inputs_come_before_tables_and_in_their_order():
    case = figures.Case("small", "x", np.sum, ("t",), ("b", "a"))
    assert [path.name for path in case.sources()] == ["b.npz", "a.npz", "t.csv"]
