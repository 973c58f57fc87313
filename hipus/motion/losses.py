"""What training of motion networks minimises.

Decides the terms and their sum (thesis, equation 2.2). Deliberately does not decide how
transforms become numbers, nor their scaling: predictions and targets come standardised.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hipus.motion.displacement_field import rigidity_loss

SMALLEST_SPREAD = 0.1
"""Standard deviations below this count as this, in units of standardised targets."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms.

    Attributes
    ----------
    correlation : float
        alpha, 0 to 1: share of the correlation loss against the squared error.
    field : float
        beta: weight of the displacement field's squared error.
    rigidity : float
        gamma: weight of the rigidity loss.
    """

    correlation: float = 0.0
    field: float = 0.0
    rigidity: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.correlation <= 1:
            raise ValueError(f"correlation weight must be between 0 and 1, got {self.correlation}")
        if not (self.field >= 0 and self.rigidity >= 0):
            raise ValueError(
                "field and rigidity weights must not be negative, "
                f"got {self.field} and {self.rigidity}"
            )

    @property
    def needs_field(self) -> bool:
        """Whether a term looks at the displacement field."""
        return self.field > 0 or self.rigidity > 0


@dataclass(frozen=True)
class Fields:
    """A predicted displacement field beside its truth.

    Attributes
    ----------
    predicted_mm, target_mm : torch.Tensor (..., 7, 7, 3)
    points_mm : torch.Tensor (7, 7, 3)
        Where the points lie at rest.
    """

    predicted_mm: torch.Tensor
    target_mm: torch.Tensor
    points_mm: torch.Tensor


@dataclass(frozen=True)
class LossTerms:
    """The sum and its terms; a term of weight zero is not computed and None.

    Attributes
    ----------
    total, squared_error : torch.Tensor ()
    correlation, field, rigidity : torch.Tensor () or None
    """

    total: torch.Tensor
    squared_error: torch.Tensor
    correlation: torch.Tensor | None = None
    field: torch.Tensor | None = None
    rigidity: torch.Tensor | None = None


def correlation_loss(
    predicted: torch.Tensor, target: torch.Tensor, *, sweep_index: torch.Tensor | None = None
) -> torch.Tensor:
    """Return one minus the mean correlation of predictions and targets.

    Parameters
    ----------
    predicted, target : torch.Tensor (B, ..., K)
        Standardised numbers, the last axis their components; all steps of a window are
        samples of the same component.
    sweep_index : torch.Tensor (B,) integer, optional
        Which sweep a window is from: correlations are taken within each sweep and averaged
        over sweeps. Without it the whole batch is one sweep.

    Returns
    -------
    torch.Tensor ()
        0 for perfect correlation of all components, 1 for none, 2 for opposite signs.

    Raises
    ------
    ValueError
        If the shapes differ, or `sweep_index` does not name one sweep for each window.

    Notes
    -----
    Guo et al. (2020), equation 4: Pearson's correlation of each component, case by case, so
    that a network must follow the changes within a sweep and not the mean of its operator.
    Trap: this needs several windows of the same sweep in a batch. Trap: a network that
    starts at constant predictions has no spread; spreads below `SMALLEST_SPREAD` count as
    that, which keeps the first gradients finite and of ordinary size. A component that does
    not vary correlates with nothing: it costs 1.
    """
    if predicted.shape != target.shape or predicted.ndim < 2:
        raise ValueError(
            "predicted and target must both be (B, ..., K), "
            f"got {tuple(predicted.shape)} and {tuple(target.shape)}"
        )
    group, average = _groups(predicted, sweep_index)
    x, y = predicted.flatten(0, -2), target.flatten(0, -2)
    x, y = x - (average @ x)[group], y - (average @ y)[group]
    correlation = average @ (x * y) / (_spread(x, average) * _spread(y, average))
    return 1 - correlation.mean()


def motion_loss(
    predicted: torch.Tensor,
    target: torch.Tensor,
    *,
    weights: LossWeights | None = None,
    sweep_index: torch.Tensor | None = None,
    fields: Fields | None = None,
) -> LossTerms:
    """Return the weighted sum of all terms.

    Parameters
    ----------
    predicted, target : torch.Tensor (B, ..., K)
        Standardised numbers, the last axis their components.
    weights : LossWeights, optional
        By default the squared error alone.
    sweep_index : torch.Tensor (B,) integer, optional
        For the correlation, see `correlation_loss`.
    fields : Fields, optional
        Needed when a weight looks at the displacement field.

    Returns
    -------
    LossTerms

    Raises
    ------
    ValueError
        If the shapes differ, or a field is weighed but not given.

    Notes
    -----
    Thesis, equation 2.2: (1 - alpha) MSE + alpha (1 - correlation) + beta MSE of the field
    + gamma rigidity. With alpha = 1 no term sees offset or scale of the prediction.
    """
    weights = weights or LossWeights()
    if predicted.shape != target.shape:
        raise ValueError(
            "predicted and target must have one shape, "
            f"got {tuple(predicted.shape)} and {tuple(target.shape)}"
        )
    if weights.needs_field and fields is None:
        raise ValueError(f"{weights} needs fields, got None")
    terms = {"squared_error": (predicted - target).square().mean()}
    total = (1 - weights.correlation) * terms["squared_error"]
    if weights.correlation:
        terms["correlation"] = correlation_loss(predicted, target, sweep_index=sweep_index)
        total = total + weights.correlation * terms["correlation"]
    if weights.field:
        terms["field"] = (fields.predicted_mm - fields.target_mm).square().mean()
        total = total + weights.field * terms["field"]
    if weights.rigidity:
        terms["rigidity"] = rigidity_loss(fields.predicted_mm, fields.points_mm)
        total = total + weights.rigidity * terms["rigidity"]
    return LossTerms(total, **terms)


def _groups(
    values: torch.Tensor, sweep_index: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each sample's group and the matrix (groups, samples) that averages over groups."""
    if sweep_index is None:
        sweep_index = torch.zeros(len(values), dtype=torch.long, device=values.device)
    if tuple(sweep_index.shape) != (len(values),):
        raise ValueError(
            f"sweep_index must name one sweep for each of {len(values)} windows, "
            f"got shape {tuple(sweep_index.shape)}"
        )
    _, group = torch.unique(sweep_index, return_inverse=True)
    group = group.repeat_interleave(values[0, ..., 0].numel())
    member = torch.nn.functional.one_hot(group).T.to(values.dtype)
    return group, member / member.sum(1, keepdim=True)


def _spread(centred: torch.Tensor, average: torch.Tensor) -> torch.Tensor:
    """Return standard deviations within groups, at least `SMALLEST_SPREAD`."""
    # Clamping before the root: the root's own gradient at zero is infinite.
    return (average @ centred.square()).clamp(min=SMALLEST_SPREAD**2).sqrt()
