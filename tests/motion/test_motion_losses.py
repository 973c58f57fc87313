"""The terms that training minimises, worked by hand."""

import numpy as np
import pytest
import torch

from hipus.motion import displacement_field, losses
from hipus.motion.losses import Fields, LossWeights, correlation_loss, motion_loss


def column(*values):
    """Return predictions of one component."""
    return torch.tensor(values, dtype=torch.float64)[:, None]


class TestCorrelationLoss:
    def test_is_0_for_what_rises_together_whatever_offset_and_scale(self):
        loss = correlation_loss(column(1, 2, 3, 4), column(30, 50, 70, 90))
        assert loss.item() == pytest.approx(0, abs=1e-12)

    def test_is_2_for_opposites(self):
        loss = correlation_loss(column(1, 2, 3, 4), column(4, 3, 2, 1))
        assert loss.item() == pytest.approx(2)

    def test_by_hand(self):
        # Centred: (-1, 0, 1) and (0, 1, -1); covariance -1/3, variances 2/3: r = -1/2.
        loss = correlation_loss(column(1, 2, 3), column(2, 3, 1))
        assert loss.item() == pytest.approx(1.5)

    def test_is_the_mean_over_components_not_the_correlation_of_all_numbers(self):
        predicted = torch.cat([column(1, 2, 3), column(1, 2, 3)], dim=1)
        target = torch.cat([column(1, 2, 3), column(2, 3, 1)], dim=1)
        assert correlation_loss(predicted, target).item() == pytest.approx((0 + 1.5) / 2)

    def test_steps_of_windows_are_samples_of_the_same_component(self, rng):
        predicted, target = (torch.from_numpy(rng.normal(size=(4, 3, 2))) for _ in range(2))
        expected = correlation_loss(predicted.reshape(12, 2), target.reshape(12, 2))
        assert correlation_loss(predicted, target).item() == pytest.approx(expected.item())

    def test_equals_numpys_correlation_within_each_sweep(self, rng):
        predicted, target = (rng.normal(size=(9, 2, 3)) for _ in range(2))
        sweep = np.array([7, 2, 7, 2, 7, 7, 2, 5, 5])
        slow = [
            np.corrcoef(predicted[sweep == s][..., k].ravel(), target[sweep == s][..., k].ravel())
            for s in (2, 5, 7)
            for k in range(3)
        ]
        expected = 1 - np.mean([matrix[0, 1] for matrix in slow])
        loss = correlation_loss(
            torch.from_numpy(predicted),
            torch.from_numpy(target),
            sweep_index=torch.from_numpy(sweep),
        )
        assert loss.item() == pytest.approx(expected)

    def test_offsets_of_sweeps_do_not_count_within_sweeps(self):
        # Each sweep alone is perfect; together the wrong offsets spoil it.
        predicted, target = column(1, 2, 9, 10), column(9, 10, 1, 2)
        together = correlation_loss(predicted, target)
        within = correlation_loss(predicted, target, sweep_index=torch.tensor([0, 0, 1, 1]))
        assert together.item() > 1.5
        assert within.item() == pytest.approx(0, abs=1e-12)

    def test_what_does_not_vary_costs_1_and_has_an_ordinary_gradient(self):
        predicted = torch.zeros(4, 1, dtype=torch.float64, requires_grad=True)
        loss = correlation_loss(predicted, column(-1, -1, 1, 1))
        loss.backward()
        assert loss.item() == 1
        # d loss / d p_i = -(y_i / n) / (smallest spread * spread of y) = -+ 1/4 / 0.1
        assert predicted.grad[:, 0].tolist() == pytest.approx([2.5, 2.5, -2.5, -2.5])

    def test_a_target_that_does_not_vary_costs_1_and_pulls_nowhere(self):
        predicted = column(1, 2, 3).requires_grad_()
        loss = correlation_loss(predicted, column(5, 5, 5))
        loss.backward()
        assert loss.item() == pytest.approx(1)
        assert predicted.grad.abs().max() < 1e-12

    def test_a_small_spread_counts_as_the_smallest(self):
        # Spread of +-0.01 is 0.01, a tenth of the smallest one: r shrinks to 0.1.
        loss = correlation_loss(column(-0.01, 0.01), column(-1, 1))
        assert loss.item() == pytest.approx(1 - 0.01 / losses.SMALLEST_SPREAD)

    def test_its_gradient_is_that_of_finite_differences(self, rng):
        target = torch.from_numpy(rng.normal(size=(6, 2, 2)))
        predicted = torch.from_numpy(rng.normal(size=(6, 2, 2))).requires_grad_()
        sweep = torch.tensor([0, 0, 1, 1, 1, 2])
        assert torch.autograd.gradcheck(
            lambda p: correlation_loss(p, target, sweep_index=sweep), predicted
        )

    @pytest.mark.parametrize("shapes", [((3, 2), (3, 1)), ((3,), (3,))])
    def test_refuses_shapes_that_do_not_pair(self, shapes):
        with pytest.raises(ValueError, match=r"must both be \(B, ..., K\), got \(3"):
            correlation_loss(*(torch.zeros(shape) for shape in shapes))

    def test_refuses_sweeps_that_do_not_fit_the_windows(self):
        message = r"one sweep for each of 3 windows, got shape \(2,\)"
        with pytest.raises(ValueError, match=message):
            correlation_loss(
                torch.zeros(3, 5, 2), torch.zeros(3, 5, 2), sweep_index=torch.zeros(2).long()
            )


class TestMotionLoss:
    @pytest.fixture
    def fields(self):
        points = displacement_field.field_points(28.0, 35.0).double()
        # A stretch by 1 %: not rigid, and 1 % of the points away from a truth at rest.
        return Fields(0.01 * points, torch.zeros_like(points), points)

    def test_is_the_squared_error_unless_something_else_is_weighed(self):
        terms = motion_loss(column(1, 2, 3), column(2, 3, 1))
        assert terms.total.item() == terms.squared_error.item() == pytest.approx(2)
        assert terms.correlation is terms.field is terms.rigidity is None

    def test_the_correlation_takes_its_share_from_the_squared_error(self):
        terms = motion_loss(column(1, 2, 3), column(2, 3, 1), weights=LossWeights(correlation=0.25))
        assert terms.correlation.item() == pytest.approx(1.5)
        assert terms.total.item() == pytest.approx(0.75 * 2 + 0.25 * 1.5)

    def test_field_and_rigidity_come_on_top(self, fields):
        weights = LossWeights(correlation=0.5, field=10, rigidity=100)
        terms = motion_loss(column(1, 2, 3), column(2, 3, 1), weights=weights, fields=fields)
        # Squares of 1 % of (-12, -8, ..., 12) and (-15, -10, ..., 15) mm: means 64 and 100,
        # over three components.
        assert terms.field.item() == pytest.approx(1e-4 * (64 + 100) / 3)
        rigid = displacement_field.rigidity_loss(fields.predicted_mm, fields.points_mm)
        assert terms.rigidity.item() == pytest.approx(rigid.item())
        expected = 0.5 * 2 + 0.5 * 1.5 + 10 * terms.field + 100 * terms.rigidity
        assert terms.total.item() == pytest.approx(expected.item())

    def test_each_weight_counts_only_its_own_term(self, fields):
        field, rigidity = (
            motion_loss(column(1, 2), column(1, 2), weights=weights, fields=fields)
            for weights in (LossWeights(field=2.0), LossWeights(rigidity=3.0))
        )
        assert field.rigidity is rigidity.field is None
        assert field.total.item() == pytest.approx(2 * field.field.item())
        assert rigidity.total.item() == pytest.approx(3 * rigidity.rigidity.item())

    def test_sweeps_are_passed_on_to_the_correlation(self):
        predicted, target = column(1, 2, 9, 10), column(9, 10, 1, 2)
        sweep = torch.tensor([0, 0, 1, 1])
        weights = LossWeights(correlation=1.0)
        terms = motion_loss(predicted, target, weights=weights, sweep_index=sweep)
        assert terms.total.item() == pytest.approx(0, abs=1e-12)

    def test_refuses_shapes_that_differ(self):
        with pytest.raises(ValueError, match=r"one shape, got \(3, 1\) and \(2, 1\)"):
            motion_loss(column(1, 2, 3), column(1, 2))

    def test_refuses_to_weigh_a_field_that_is_not_there(self):
        with pytest.raises(ValueError, match="rigidity=1.0.* needs fields, got None"):
            motion_loss(column(1, 2), column(1, 2), weights=LossWeights(rigidity=1.0))


class TestLossWeights:
    @pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
    def test_refuse_a_share_of_the_correlation_outside_0_to_1(self, share):
        with pytest.raises(ValueError, match=f"between 0 and 1, got {share}"):
            LossWeights(correlation=share)

    @pytest.mark.parametrize("weights", [{"field": -1.0}, {"rigidity": -2.0}])
    def test_refuse_negative_weights(self, weights):
        with pytest.raises(ValueError, match="must not be negative, got"):
            LossWeights(**weights)

    def test_know_whether_they_need_a_field(self):
        assert not LossWeights(correlation=1.0).needs_field
        assert LossWeights(field=0.1).needs_field
        assert LossWeights(rigidity=0.1).needs_field
