"""Stillness of a log's ends and the gyroscope's bias: recovered, robust, and else unknown."""

from dataclasses import replace

import numpy as np
import pytest
from inertial_logs import log_of, still, sway

from hipus import rotations
from hipus.motion.stillness import SensorTrust, still_bias
from hipus.sweep import Imu

BIAS = (0.012, -0.02, 0.006)


def paused(begin_s, end_s):
    """Return a turn that moves only between two times, steadily."""

    def turn(time_s):
        return rotations.from_rotation_vector(
            np.outer(np.clip(time_s - begin_s, 0, end_s - begin_s), [0.08, -0.06, 0.1])
        )

    return turn


class TestStillBias:
    @pytest.mark.parametrize(("begin", "end"), [(2.0, 8.3), (-0.3, 6.0), (2.0, 6.0)])
    def test_is_found_at_the_end_that_is_still(self, rng, begin, end):
        found = still_bias(log_of(paused(begin, end), rng, bias=BIAS, noise=0.003))
        np.testing.assert_allclose(found.bias_rad_s, BIAS, atol=0.003)
        assert found.sd_rad_s < 0.0025
        still_s = max(begin + 0.2, 0) + max(8.2 - end, 0)
        assert found.still_s == pytest.approx(still_s, abs=0.05)

    def test_of_a_log_that_is_still_throughout_counts_every_second_once(self, rng):
        found = still_bias(log_of(still, rng, bias=BIAS, noise=0.003))
        np.testing.assert_allclose(found.bias_rad_s, BIAS, atol=0.001)
        assert found.still_s == pytest.approx(8.4, abs=0.05)

    def test_is_unknown_in_a_moving_hand(self, rng):
        found = still_bias(log_of(sway, rng, bias=BIAS, noise=0.003))
        assert found.bias_rad_s.tolist() == [0, 0, 0]
        assert found.sd_rad_s == SensorTrust().gyroscope_bias_rad_s
        assert found.still_s == 0

    def test_a_shorter_stillness_tells_less_and_is_shrunk_more(self, rng):
        short, long = (
            still_bias(log_of(paused(begin, 8.3), rng, bias=BIAS, noise=0.001))
            for begin in (0.2, 3.0)
        )
        assert long.sd_rad_s < short.sd_rad_s < SensorTrust().gyroscope_bias_rad_s
        assert abs(short.bias_rad_s[1]) < abs(long.bias_rad_s[1]) < 1.05 * abs(BIAS[1])

    def test_by_hand_a_second_of_sway_weighs_as_its_precision(self):
        time_s = np.linspace(0, 1, 51)
        rates = np.tile([0.01, 0.0, 0.0], (51, 1))
        log = Imu(time_s, rates, np.tile([0, 0, 9.81], (51, 1)))
        found = still_bias(log, trust=SensorTrust(gyroscope_bias_rad_s=0.01, sway_rad=0.01))
        # Prior and stillness are equally sure of it: half way, and sqrt(2) surer than either.
        np.testing.assert_allclose(found.bias_rad_s, [0.005, 0, 0])
        assert found.sd_rad_s == pytest.approx(0.01 / np.sqrt(2))

    def test_a_steady_turn_is_not_a_bias(self, rng):
        steady = paused(-1.0, 10.0)
        assert still_bias(log_of(steady, rng)).still_s == 0

    def test_a_few_samples_that_went_wrong_do_not_move_it(self, rng):
        log = log_of(still, rng, bias=BIAS)
        rates = log.angular_velocity_rad_s.copy()
        rates[[3, 9, 14]] += 0.019  # just below what would end the stillness
        spoilt = replace(log, angular_velocity_rad_s=rates)
        found, clean = still_bias(spoilt), still_bias(log)
        np.testing.assert_allclose(found.bias_rad_s, clean.bias_rad_s, atol=1e-6)

    def test_a_pause_too_short_does_not_count(self, rng):
        trust = SensorTrust(still_s=3.0)
        assert still_bias(log_of(paused(2.0, 6.0), rng), trust=trust).still_s == 0


class TestTrust:
    @pytest.mark.parametrize("value", [0.0, -1.0, np.nan])
    def test_refuses_what_is_not_positive(self, value):
        with pytest.raises(ValueError, match=r"trust\.tilt_rad must be positive, got"):
            SensorTrust(tilt_rad=value)
