"""What the paper says about its segmentation models, as differences that can be tested.

Decides which sentence is tested by which difference between Dice of models and structures, in
frames or in volumes. Sentences are told in our words, with their number in
`midl2026_statements.csv` or `midl2026_text_claims.csv`. Decides no verdict (see
`claim_verdicts`); sentences on learning curves, raters and grey values are in `further_claims`,
on rounds in `round_claims`, and those that cannot be tested in `untested_claims`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hipus.segmentation.volume_scores import FRAME_MODELS, MEAN, STRUCTURE_NAMES, VOLUME_MODELS

FRAMES, VOLUMES = "Dice of frames", "Dice of volumes"
ILIUM, HEAD, BORDER, CORTEX = STRUCTURE_NAMES
#: "Exceeding 0.85 for most structures" (M085): three of four.
MOST_EXCEED = 0.85


@dataclass(frozen=True, eq=False)
class MeanDice:
    """Mean Dice of models and structures, once or in many resamples.

    Attributes
    ----------
    values : numpy.ndarray (R, models, structures)
    models, structures : tuple of str
        `MEAN` is among the structures.
    """

    values: np.ndarray
    models: tuple[str, ...]
    structures: tuple[str, ...]

    def of(self, model: str, structure: str = MEAN) -> np.ndarray:
        """Return a model's Dice of one structure, (R,)."""
        return self.values[:, self.models.index(model), self.structures.index(structure)]

    def stacked(self, models, structures) -> np.ndarray:
        """Return several models' or structures' Dice, (R, models * structures)."""
        return np.stack([self.of(one, name) for one in models for name in structures], axis=1)


Sides = Callable[[MeanDice], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Part:
    """One difference that a claim says is positive.

    Attributes
    ----------
    name : str
        Unique within its claim.
    a, b : str
        What is compared, in words.
    sides : callable
        From mean Dice to the two numbers, (R,) each.
    measure : str
        `FRAMES` or `VOLUMES`.
    """

    name: str
    a: str
    b: str
    sides: Sides
    measure: str = VOLUMES


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper and the differences that test it.

    Attributes
    ----------
    claim_id : str
        Of the statement, for example "S64d".
    text : str
        In our words.
    source : str
    parts : tuple of Part
        All must be positive.
    """

    claim_id: str
    text: str
    source: str
    parts: tuple[Part, ...]


def better(a: str, b: str, structure: str = MEAN, *, measure: str = VOLUMES) -> Part:
    """Return the part that model a has a higher Dice than model b."""
    words = [f"{model}, {_in_words(structure)}" for model in (a, b)]
    name = f"{a} above {b}, {_in_words(structure)}, {measure}"
    return Part(name, *words, lambda dice: (dice.of(a, structure), dice.of(b, structure)), measure)


def above(model: str, a: str, b: str) -> Part:
    """Return the part that a model labels structure a better than b, in frames."""
    words = [f"{model}, {_in_words(name)}" for name in (a, b)]
    return Part(model, *words, lambda dice: (dice.of(model, a), dice.of(model, b)), FRAMES)


def bone_above_rest(model: str) -> Part:
    """Return the part that both bones have higher Dice than both other structures, in frames."""

    def sides(dice: MeanDice) -> tuple[np.ndarray, np.ndarray]:
        bone, rest = (dice.stacked([model], names) for names in ((ILIUM, CORTEX), (HEAD, BORDER)))
        return bone.min(axis=1), rest.max(axis=1)

    words = (f"{model}, lower of both bones", f"{model}, higher of head and border")
    return Part(model, *words, sides, FRAMES)


def border_hardest(model: str) -> Part:
    """Return the part that the border has the lowest Dice: the next one minus the border's."""
    measure = FRAMES if model in FRAME_MODELS else VOLUMES
    rest = [name for name in STRUCTURE_NAMES if name != BORDER]
    words = (f"{model}, lowest other structure", f"{model}, {_in_words(BORDER)}")
    return Part(
        model,
        *words,
        lambda dice: (dice.stacked([model], rest).min(axis=1), dice.of(model, BORDER)),
        measure,
    )


def head_varies_most() -> Part:
    """Return the part that the 2D models differ most in the head: range against largest other."""

    def sides(dice: MeanDice) -> tuple[np.ndarray, np.ndarray]:
        spans = {
            name: np.ptp(dice.stacked(FRAME_MODELS, [name]), axis=1) for name in STRUCTURE_NAMES
        }
        rest = [span for name, span in spans.items() if name != HEAD]
        return spans[HEAD], np.max(rest, axis=0)

    words = ("range over 2D models, femoral head", "largest range of another structure")
    return Part("range over 2D models", *words, sides, FRAMES)


def above_best_2d(model: str) -> Part:
    """Return the part that a 3D model is above the best of the 2D models, in volumes."""
    return Part(
        f"{model} above the best 2D model",
        f"{model}, {_in_words(MEAN)}",
        f"best 2D model, {_in_words(MEAN)}",
        lambda dice: (dice.of(model), dice.stacked(FRAME_MODELS, [MEAN]).max(axis=1)),
    )


def most_exceed(model: str, bound: float) -> Part:
    """Return the part that three of a model's four structures exceed a Dice, in volumes."""

    def sides(dice: MeanDice) -> tuple[np.ndarray, np.ndarray]:
        third = np.sort(dice.stacked([model], STRUCTURE_NAMES), axis=1)[:, 1]
        return third, np.full_like(third, bound)

    return Part(model, f"{model}, third best structure", f"{bound}", sides)


def _in_words(structure: str) -> str:
    return structure.replace("_", " ")


_TWO_D, _HIGH, _CONTEXT = FRAME_MODELS
_FIRST, _REFINED = VOLUME_MODELS
#: The half of the sentence that Dice can test; the other half is in `round_claims`.
STAGED = Claim(
    "S3b",
    "Staged refinement raises quality while it reduces the effort of annotation",
    "Paper, section 3",
    (better(_REFINED, _FIRST),),
)
CLAIMS = (
    Claim(
        "A1",
        "2D slices and 3D volumes combined, in stages, are the most robust: 3.2 is above all",
        "Paper, abstract",
        tuple(better(_REFINED, model) for model in (*FRAME_MODELS, _FIRST)),
    ),
    Claim(
        "S62b",
        "2D models label bone (cortex and ilium) better than head and border",
        "Paper, section 6.2",
        tuple(bone_above_rest(model) for model in FRAME_MODELS),
    ),
    Claim(
        "S62b, order",
        "Of both bones, 2D models label the cortex better and the ilium to a lesser extent",
        "Paper, section 6.2",
        tuple(above(model, CORTEX, ILIUM) for model in FRAME_MODELS),
    ),
    Claim(
        "S62c",
        "The femoral head varies most across 2D models, and the high-resolution one is worse on it",
        "Paper, section 6.2",
        (
            head_varies_most(),
            *(better(model, _HIGH, HEAD, measure=FRAMES) for model in (_TWO_D, _CONTEXT)),
        ),
    ),
    Claim(
        "S62d",
        "The chondro-osseous border is the hardest structure for all models",
        "Paper, section 6.2",
        tuple(border_hardest(model) for model in (*FRAME_MODELS, *VOLUME_MODELS)),
    ),
    Claim(
        "S522b, S7c",
        "Neighbouring frames as channels make the 2.5D model better than both 2D models",
        "Paper, sections 5.2.2 and 7",
        tuple(
            better(_CONTEXT, model, measure=measure)
            for measure in (FRAMES, VOLUMES)
            for model in (_TWO_D, _HIGH)
        ),
    ),
    Claim(
        "S64d",
        "The second 3D model is better than the first for all structures",
        "Paper, section 6.4",
        tuple(better(_REFINED, _FIRST, name) for name in STRUCTURE_NAMES),
    ),
    Claim(
        "S7d",
        "Volumetric context is crucial: both 3D models are better than the best 2D model",
        "Paper, section 7",
        tuple(above_best_2d(model) for model in VOLUME_MODELS),
    ),
    Claim(
        "M085",
        "The final 3D model exceeds a Dice of 0.85 for most structures",
        "Paper, section 7",
        (most_exceed(_REFINED, MOST_EXCEED),),
    ),
    Claim(
        "C2",
        "Under one 3D protocol the order is 2D, 2.5D, first and second 3D model",
        "Paper, appendix C, Table 5",
        (
            *(better(_CONTEXT, model) for model in (_TWO_D, _HIGH)),
            better(_FIRST, _CONTEXT),
            better(_REFINED, _FIRST),
        ),
    ),
)
