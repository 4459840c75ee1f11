"""When a count of mentions is a spike, against what its own past lets expect.

Usual is the mean of the windows before, with a floor of one mention in all of them together. A count is a spike if it
is large in itself, large against what is usual, and too large for chance: mentions that come independently of each
other are spread by Poisson's law. Real ones come in bursts, hence the first two conditions.
"""

from math import exp, lgamma, log
from typing import Final

from domain.policy_sections import SpikeRules

_NEGLIGIBLE: Final = 1e-12


def usual_count(earlier: int, rules: SpikeRules) -> float:
    """Mentions to expect in a window, if the baseline's windows have had `earlier` together."""
    return max(earlier, 1) / rules.baseline_windows


def is_spike(count: int, usual: float, rules: SpikeRules) -> bool:
    """True if so many mentions in a window should be told."""
    return count >= _least(usual, rules) and chance_of(count, usual) < rules.chance


def is_calm(count: int, usual: float, rules: SpikeRules) -> bool:
    """True if a spike that was told is over. Never for a count that is a spike: in between, nothing changes."""
    return count < _least(usual, rules) / 2


def chance_of(count: int, usual: float) -> float:
    """The probability of `count` or more under Poisson's law with the mean `usual`, which must be above 0.

    For counts up to the mean, which are no spike whatever the rules, 1.
    """
    if count <= usual:
        return 1.0
    # P(count), and how many times it all that is above: a falling geometric series bounds the rest
    exactly = exp(count * log(usual) - usual - lgamma(count + 1))
    times = term = 1.0
    above = count
    while term > _NEGLIGIBLE * times:
        above += 1
        term *= usual / above
        times += term
    return min(1.0, exactly * times)


def _least(usual: float, rules: SpikeRules) -> float:
    return max(rules.min_count, rules.ratio * usual)
