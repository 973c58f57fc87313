"""A table of published claims, made up, with the columns of the stage that writes it."""

import pandas as pd

from hipus import paths, tables

VERDICTS = (
    "confirmed by arithmetic", "same direction", "differs", "input of the simulation",
    "quoted, not tested", "not testable without the clinical cohort", "hardware, not comparable",
)  # fmt: skip
PAPER, THESIS = "MIDL 2026 paper", "A thesis"


def claim(number: int, **changed) -> dict:
    """Return a claim that was answered."""
    return {
        "claim_id": f"t1/(row {number})/Dice".replace(" ", "_"),
        "document": PAPER if number % 3 else THESIS,
        "location": "Table 1",
        "item": f"Dice of case {number}",
        "printed": f"0.{number:03d}",
        "printed_value": number / 1000,
        "unit": "fraction",
        "audit_verdict": "not audited",
        "ours": "0.775",
        "ours_value": 0.775,
        "ours_lower": 0.757,
        "ours_upper": 0.7901,
        "profile": "smoke",
        "n": "38",
        "origin": "simulated",
        "verdict": VERDICTS[number % len(VERDICTS)],
        "reason": "the interval does not hold it",
        "table": "tables/segmentation_table1.csv",
        "stage": "segmentation_scores",
        "command": "dvc repro segmentation_scores@smoke",
        "link": "models.html#segmentation",
    } | changed


def write(*rows: dict) -> None:
    """Write the table of the smoke profile."""
    tables.write(pd.DataFrame(list(rows)), paths.table_file("smoke", "claims"), key=[])


def write_many(count: int = 30) -> None:
    """Write as many claims as asked, the first ones without an answer of ours."""
    silent = {"ours": "", "ours_value": None, "ours_lower": None, "ours_upper": None, "n": "",
              "origin": "", "table": "", "stage": "", "command": "", "link": ""}  # fmt: skip
    write(*(claim(number, **(silent if number < 4 else {})) for number in range(count)))
