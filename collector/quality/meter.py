"""What one device measures, window by window: which windows were bad, and what round trip is usual for it."""

from __future__ import annotations

from collector.config import DegradationSettings
from collector.quality.counters.uplink import Traffic
from collector.reading import MEASURES, EchoBurst, Measure, Reading

LEAST_ECHOES = 5
LEAST_LOST = 2
WINDOWS_TO_LEARN = 12
STEP = 0.002
STEP_WHILE_BAD = 0.0002
LOSS, LATENCY, SATURATION = range(len(MEASURES))


class Meter:
    """Sums over the window that is open (``until`` then), and a bit for each of the last windows and each measure: 1 was bad.

    A measure is degraded once enough of its last windows were bad, until enough in a row were not. A window in which
    it was not taken speaks for neither, but ages what was said before.

    ``usual_rtt_seconds`` follows the median of the windows' round trips by small steps, up or down, of one size
    however far off a window lies: 0.2% a window, so that it follows over a day rather than an hour, and a tenth of
    that in a window that is bad, so that a degradation of hours hardly counts as usual and a new path does after
    about a week. It is trusted after an hour of windows.
    """

    __slots__ = (
        "bad",
        "degraded",
        "degraded_since",
        "echoes_lost",
        "echoes_sent",
        "recovered_at",
        "rtt_count",
        "rtt_seconds",
        "unjudged",
        "until",
        "used",
        "used_count",
        "usual_rtt_seconds",
        "window",
        "windows_learnt",
    )

    def __init__(self) -> None:
        self.window = -1
        self.until = 0.0
        self.usual_rtt_seconds = 0.0
        self.windows_learnt = 0
        self.recovered_at = 0.0
        self.clear()

    def clear(self) -> None:
        """Forget all but the usual round trip: the device is not observed, or does not answer."""
        self.bad = [0] * len(MEASURES)
        self.degraded: tuple[Measure, ...] = ()
        self.degraded_since = 0.0
        self.unjudged = 0
        self._begin_window()

    def _begin_window(self) -> None:
        self.echoes_sent = self.echoes_lost = self.rtt_count = self.used_count = 0
        self.rtt_seconds = self.used = 0.0

    @property
    def known_usual_rtt_seconds(self) -> float | None:
        """The usual round trip, once enough windows are known."""
        return self.usual_rtt_seconds if self.windows_learnt >= WINDOWS_TO_LEARN else None

    def add(self, reading: Reading, traffic: Traffic | None) -> None:
        """Take in an answered poll. A burst counts with its median round trip, which one straggler does not move."""
        echoes = reading.echoes
        if echoes is not None:
            self.echoes_sent += echoes.sent
            self.echoes_lost += echoes.lost
            rtts = echoes.rtt_seconds
            if rtts:
                self.rtt_seconds += sorted(rtts)[(len(rtts) - 1) >> 1]
                self.rtt_count += 1
        if traffic is not None and traffic.utilization_ratio is not None:
            self.used += traffic.utilization_ratio
            self.used_count += 1

    def miss(self, echoes: EchoBurst | None) -> None:
        """A poll was not answered: its echoes count as lost if the device answers before it is judged to be out."""
        if echoes is not None:
            self.unjudged += echoes.sent

    def add_misses(self) -> None:
        """The device answers again after misses that were no outage."""
        self.echoes_sent += self.unjudged
        self.echoes_lost += self.unjudged
        self.unjudged = 0

    def turn_window(self, window: int, settings: DegradationSettings, window_seconds: float) -> bool:
        """Judge the window that was open and begin ``window``; returns whether what is degraded changed."""
        self.until = (window + 1) * window_seconds
        if self.window < 0:
            self.window = window
            return False
        skipped = min(window - self.window - 1, settings.of_windows)
        mask = (1 << settings.of_windows) - 1
        judged = (self._loses(settings), self._is_late(settings), self._is_full(settings))
        self._learn(is_bad=bool(judged[LATENCY]))
        self.bad = [(bits << 1 | bool(bad)) << skipped & mask for bits, bad in zip(self.bad, judged, strict=True)]
        self._begin_window()
        self.window = window
        return self._judge(settings, window_seconds)

    def _judge(self, settings: DegradationSettings, window_seconds: float) -> bool:
        recent = (1 << settings.good_windows) - 1
        before = self.degraded
        now = tuple(
            measure
            for measure, bits in zip(MEASURES, self.bad, strict=True)
            if bits.bit_count() >= settings.windows or (measure in before and bits & recent)
        )
        if now == before:
            return False
        every = self.bad[LOSS] | self.bad[LATENCY] | self.bad[SATURATION]
        if not before:
            oldest = max(bits.bit_length() for bits, m in zip(self.bad, MEASURES, strict=True) if m in now)
            self.degraded_since = (self.window - oldest) * window_seconds
        if not now:
            good = (every & -every).bit_length() - 1 if every else settings.of_windows
            self.recovered_at = (self.window - good) * window_seconds
        self.degraded = now
        return True

    def hold(self, measure: Measure, since: float, settings: DegradationSettings) -> None:
        """Take up a degradation from before a restart: it holds until enough good windows end it."""
        self.bad[MEASURES.index(measure)] = (1 << settings.of_windows) - 1
        self.degraded = (measure,)
        self.degraded_since = since

    def know_usual(self, rtt_seconds: float, windows: int) -> None:
        """Take over what an earlier collector measured, over that many windows."""
        self.usual_rtt_seconds, self.windows_learnt = rtt_seconds, windows

    def _loses(self, settings: DegradationSettings) -> bool | None:
        """One echo may get lost anywhere: it takes two, and the ratio."""
        if self.echoes_sent < LEAST_ECHOES:
            return None
        return self.echoes_lost >= LEAST_LOST and self.echoes_lost > settings.loss_ratio * self.echoes_sent

    def _is_late(self, settings: DegradationSettings) -> bool | None:
        if not self.rtt_count or self.windows_learnt < WINDOWS_TO_LEARN:
            return None
        rtt, usual = self.rtt_seconds / self.rtt_count, self.usual_rtt_seconds
        return rtt > settings.rtt_ratio * usual and rtt - usual > settings.rtt_rise_seconds

    def _is_full(self, settings: DegradationSettings) -> bool | None:
        return self.used / self.used_count > settings.utilization_ratio if self.used_count else None

    def _learn(self, *, is_bad: bool) -> None:
        """One step of a stochastic median (Robbins and Monro 1951) of the windows' round trips, on a log scale."""
        if not self.rtt_count:
            return
        rtt = self.rtt_seconds / self.rtt_count
        self.windows_learnt += 1
        if self.windows_learnt == 1:
            self.usual_rtt_seconds = rtt
            return
        step = STEP_WHILE_BAD if is_bad else max(STEP, 0.5 / self.windows_learnt)
        self.usual_rtt_seconds *= 1 + step if rtt > self.usual_rtt_seconds else 1 - step
