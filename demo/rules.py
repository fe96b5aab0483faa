"""The rules of the demo's world: every true effect, in one place. What the analysis should find is written here."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class QualityEffects:
    """Log rate ratios: what one step more of a quality measure does to a rate."""

    per_down_hour: float
    """one more hour without service in a customer-week"""
    per_latency_10ms: float
    """10 ms more of evening latency (mean of hourly 95th percentiles)"""
    per_loss_point: float
    """one point (0.01) more of echoes lost"""
    per_utilization_tenth: float
    """ten points (0.10) more of evening utilisation"""


NO_EFFECTS = QualityEffects(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Rules:
    """How customers of the demo behave. Rates are per customer and week; effects are log rate ratios."""

    complaints: QualityEffects = QualityEffects(0.20, 0.10, 0.22, 0.12)
    """of quality on complaints of the categories connection and slow"""
    complaint_lag_weights: tuple[float, ...] = (0.6, 0.25, 0.15)
    """how that effect is spread over the same week and the weeks after; sums to 1"""
    leaving: QualityEffects = QualityEffects(0.35, 0.16, 0.30, 0.13)
    """of quality, as its mean over the eight weeks before, on voluntary leaving"""
    nps: QualityEffects = QualityEffects(-0.8, -0.3, -0.7, -0.3)
    """of quality, as its mean over the eight weeks before, on the survey's score (points, not logs)"""

    connection_rate: float = 0.0016
    slow_rate: float = 0.0014
    billing_rate: float = 0.0020
    price_rate: float = 0.0010
    installation_rate: float = 0.0300
    """only in a customer's first four weeks"""
    other_rate: float = 0.0012
    billing_per_price_rise: float = 0.9
    """more complaints of billing and price in the four weeks after a price rise"""
    price_complaint_per_gap: float = 0.03
    """more complaints of price per unit of currency that a customer pays above a new one's price"""
    complaint_area_spread: float = 0.20
    """standard deviation of the neighbourhoods' own log rates, which nobody sees"""

    leaving_rate: float = 0.0013
    leaving_per_price_gap: float = 0.045
    """per unit of currency a month that a customer pays above a new one's price"""
    leaving_locked_in: float = -2.0
    """while a contract holds a customer"""
    leaving_just_free: float = 0.8
    """in the eight weeks after a contract ends"""
    leaving_per_tenure_year: float = -0.10
    """up to five years"""
    leaving_area_spread: float = 0.10
    moving_rate: float = 0.0009
    nonpayment_rate: float = 0.0004

    notice_share: float = 0.6
    """of the leavers whose day of notice is on record; the others show only by their last day"""
    notice_days: int = 30
    unplugging_share: float = 0.25
    """of the leavers with a device of their own who unplug it weeks before they are gone"""
    returning_share: float = 0.06
    """of those who join who had left before"""

    survey_rate: float = 0.004
    price_rise_week: int = 24
    """weeks after the world's beginning"""
    price_rise_ratio: float = 0.05

    def without_quality_effects(self) -> Rules:
        """The same world with every true effect of quality set to zero: here the analysis must find nothing."""
        return replace(self, complaints=NO_EFFECTS, leaving=NO_EFFECTS, nps=NO_EFFECTS)
