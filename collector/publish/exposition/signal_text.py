"""The text of one device's signals and of the probes that it runs itself."""

from __future__ import annotations

from collections.abc import Iterable

from collector.publish.exposition import families as f
from collector.publish.exposition.samples import escape, number
from collector.reading import ProbeReading, SignalReading

_RECEIVED, _RATIO, _NOISE, _QUALITY, _CODEWORDS = (family.name for family in f.SIGNALS)
_RTT, _JITTER, _LOSS = (family.name for family in f.OWN_PROBES)


def signal_chunks(own: str, signals: Iterable[SignalReading]) -> list[str]:
    """A piece for each of ``families.SIGNALS``; ``own`` is the device's label without braces."""
    chunks: list[list[str]] = [[] for _ in f.SIGNALS]
    received, ratio, noise, quality, codewords = chunks
    for s in signals:
        labels = f'{{channel="{escape(s.channel)}",{own}'
        if s.received_dbm is not None:
            received.append(f"{_RECEIVED}{labels}}} {number(s.received_dbm)}\n")
        if s.noise_ratio_db is not None:
            ratio.append(f"{_RATIO}{labels}}} {number(s.noise_ratio_db)}\n")
        if s.noise_dbm is not None:
            noise.append(f"{_NOISE}{labels}}} {number(s.noise_dbm)}\n")
        if s.quality_ratio is not None:
            quality.append(f"{_QUALITY}{labels}}} {number(s.quality_ratio)}\n")
        if s.codewords_unerrored is not None:
            codewords.append(f'{_CODEWORDS}{labels},outcome="unerrored"}} {s.codewords_unerrored}\n')
        if s.codewords_corrected is not None:
            codewords.append(f'{_CODEWORDS}{labels},outcome="corrected"}} {s.codewords_corrected}\n')
        if s.codewords_uncorrectable is not None:
            codewords.append(f'{_CODEWORDS}{labels},outcome="uncorrectable"}} {s.codewords_uncorrectable}\n')
    return list(map("".join, chunks))


def probe_chunks(own: str, probes: Iterable[ProbeReading]) -> list[str]:
    """A piece for each of ``families.OWN_PROBES``; ``own`` is the device's label without braces."""
    chunks: list[list[str]] = [[] for _ in f.OWN_PROBES]
    rtt, jitter, loss = chunks
    for probe in probes:
        labels = f'{{{own},probe="{escape(probe.name)}"}}'
        if probe.rtt_seconds is not None:
            rtt.append(f"{_RTT}{labels} {number(probe.rtt_seconds)}\n")
        if probe.jitter_seconds is not None:
            jitter.append(f"{_JITTER}{labels} {number(probe.jitter_seconds)}\n")
        if probe.loss_ratio is not None:
            loss.append(f"{_LOSS}{labels} {number(probe.loss_ratio)}\n")
    return list(map("".join, chunks))
