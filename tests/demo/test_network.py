"""The demo's network: sizes, a map without gaps, quality as a function of time alone."""

import itertools
import json

import numpy as np
import pytest

from demo import network, noise
from demo.places import places

SEED = 20260101
HOUR = 491_000


@pytest.fixture(scope="module")
def laid():
    return network.lay(SEED, 24, 450)


def test_the_default_network_has_the_size_that_it_promises(laid):
    assert len(laid.device_id) == len(set(laid.device_id)) == 450
    assert len(laid.cores) == 3
    assert 24 <= len(laid.nodes) <= 48
    assert 11_000 <= laid.subscribers.sum() <= 13_000
    served_by_node = laid.subscribers[laid.nodes.start : laid.nodes.stop].sum()
    assert served_by_node > 0.9 * laid.subscribers.sum()


def test_every_device_hangs_from_one_before_it_and_serves_its_own_area(laid):
    below_the_core = np.arange(len(laid.cores), len(laid.device_id))
    assert (laid.parent[below_the_core] < below_the_core).all()
    assert (laid.parent[below_the_core] >= 0).all()
    cpes = np.array(laid.cpes)
    assert (laid.area[cpes] == laid.area[laid.node[cpes]]).all()


def test_more_devices_are_more_cpe():
    many = network.lay(SEED, 24, 10_000)
    assert len(many.device_id) == 10_000
    assert len(many.nodes) == len(network.lay(SEED, 24, 450).nodes)


def test_too_few_devices_are_refused_with_the_least_number():
    with pytest.raises(ValueError, match=r"--devices 20: 24 areas need at least \d+ devices"):
        network.lay(SEED, 24, 20)


def test_neighbourhoods_fill_the_town_without_gap_or_overlap():
    """Each inner border is walked once in each direction, so that all areas' sum is that of the outer shore."""
    towns = places(SEED, 24)
    assert len({t.name for t in towns}) == len({t.area for t in towns}) == 24
    edges = [edge for town in towns for edge in itertools.pairwise(town.outline)]
    assert len(edges) == len(set(edges))
    shore = {edge for edge in edges if edge[::-1] not in set(edges)}
    starts, ends = sorted(a for a, _ in shore), sorted(b for _, b in shore)
    assert starts == ends
    assert sum(_area(t.outline) for t in towns) == pytest.approx(_ring_area(shore), rel=1e-9)
    assert all(_area(t.outline) > 0 for t in towns)


def test_outlines_are_geojson_polygons():
    for town in places(7, 6):
        geometry = json.loads(town.geometry)
        assert geometry["type"] == "Polygon"
        assert geometry["coordinates"][0][0] == geometry["coordinates"][0][-1]


def test_an_hour_is_the_same_whichever_span_it_is_asked_for_in(laid):
    long, short = network.node_hours(laid, HOUR, 400), network.node_hours(laid, HOUR + 250, 20)
    for name in ("down_seconds", "rtt_p50_seconds", "rtt_p95_seconds", "loss_ratio", "utilization"):
        np.testing.assert_allclose(getattr(long, name)[:, 250:270], getattr(short, name), rtol=1e-12)


def test_quality_stays_within_what_is_possible(laid):
    hours = network.node_hours(laid, HOUR, 24 * 60)
    assert 0 <= hours.down_seconds.min() <= hours.down_seconds.max() <= 3600
    assert 0 < hours.utilization.min() <= hours.utilization.max() < 1
    assert (hours.rtt_p50_seconds < hours.rtt_p95_seconds).all()
    assert 0 <= hours.loss_ratio.min() <= hours.loss_ratio.max() <= 0.5


def test_troubles_show_in_what_they_are_about(laid):
    hours = network.node_hours(laid, HOUR, 24 * 7 * 26)
    trouble = [laid.troubles[a] for a in laid.area[laid.nodes.start : laid.nodes.stop]]
    for name, measured in (
        ("outages", hours.down_seconds),
        ("loss", hours.loss_ratio),
        ("latency", hours.rtt_p50_seconds),
        ("saturation", hours.utilization),
    ):
        bad = np.array([getattr(t, name) == 1.0 for t in trouble])
        good = np.array([getattr(t, name) == 0.0 for t in trouble])
        assert measured[bad].mean() > 1.3 * measured[good].mean(), name


def test_stateless_noise_is_uniform_and_differs_by_stream():
    one, other = noise.uniform(1, "a", np.arange(20_000)), noise.uniform(1, "b", np.arange(20_000))
    assert abs(one.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.03
    assert noise.normal(1, "a", np.arange(20_000)).std() == pytest.approx(1.0, abs=0.02)


def _area(ring):
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in itertools.pairwise(ring)) / 2


def _ring_area(edges):
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in edges) / 2
