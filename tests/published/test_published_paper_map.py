"""docs/paper_map.md: made from the claims of small, and up to date with them."""

import pandas as pd
import pytest

from hipus import paths, tables
from hipus.published import paper_map
from hipus.published.beside import COLUMNS

PAGE = paths.root() / "docs" / "paper_map.md"


@pytest.fixture(scope="module")
def claims() -> pd.DataFrame:
    """Return the claims that profile small keeps."""
    return tables.read(paths.table_file("small", "claims"), dtype=str, keep_default_na=False)


def test_the_page_is_what_the_claims_of_small_give(claims):
    assert PAGE.read_text(encoding="utf-8") == paper_map.render(claims), (
        "python -m hipus.published.paper_map"
    )


def test_every_number_and_sentence_of_the_paper_has_a_line(claims):
    text = PAGE.read_text(encoding="utf-8")
    paper = claims[claims["document"] == "MIDL 2026 paper"]
    single = paper[~paper["claim_id"].str.startswith("midl_table6/")]
    for name in single["claim_id"]:
        assert f"| {name.partition('/')[2]} |" in text, name


def test_counts_of_all_documents_add_up(claims):
    text = PAGE.read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("| all |")]
    assert sum(int(cell) for cell in line.split("|")[2:-1]) == len(claims)


def test_ours_is_marked_simulated_and_a_bar_does_not_break_the_table():
    row = dict.fromkeys(COLUMNS, "") | {
        "claim_id": "midl_text/M1", "document": "MIDL 2026 paper", "item": "a | b",
        "printed": "1", "ours": "2", "origin": "simulated", "n": "10 infants",
        "verdict": "differs", "table": "scores", "stage": "model_masks",
    }  # fmt: skip
    page = paper_map.render(pd.DataFrame([row]))
    assert (
        "| M1 | a \\| b | 1 | 2 [simulated, 10 infants] | differs | `scores` (model_masks) |"
        in (page)
    )


def test_main_writes_the_page(claims, tmp_path, monkeypatch):
    monkeypatch.setenv("HIPUS_ROOT", str(tmp_path))
    file = paths.table_file("small", "claims")
    file.parent.mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    claims.to_csv(file, index=False)
    paper_map.main()
    assert (tmp_path / "docs" / "paper_map.md").read_text().startswith("# From the paper")
