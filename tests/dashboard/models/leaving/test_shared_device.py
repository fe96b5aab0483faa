"""Neighbourhoods of one device are one in errors: what was measured is the same in all of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.models.leaving import shared_device
from dashboard.models.statistics import clusters, hazard


def served(devices: dict[str, list[str]]) -> pd.DataFrame:
    rows = [(area, device) for area, each in devices.items() for device in each]
    frame = pd.DataFrame(rows, columns=["area", "device_id"])
    return frame.assign(days_at_risk=7.0, weight=1.0)


def test_areas_of_one_device_belong_to_the_first_of_them():
    found = shared_device.one_of(
        served({"a": ["x"], "b": ["x", "x", "y"], "c": ["x", "y"], "d": ["z", None], "e": ["v", "w", "x"]})
    )
    assert found == {"a": "a", "b": "a"}  # c has half of its time behind x, e a third, and z serves d alone
    assert shared_device.codes(["a", "b", "c", "d"], found).tolist() == [0, 0, 1, 2]


def test_areas_with_devices_of_their_own_stay_as_they_are():
    assert shared_device.one_of(served({"a": ["x"], "b": ["y"]})) == {}
    assert shared_device.one_of(served({"a": [None], "b": [None]})) == {}
    assert shared_device.one_of(served({"a": ["x"], "b": ["x"]}).drop(columns="device_id")) == {}


def test_a_network_of_one_device_has_no_interval_however_many_areas_it_serves():
    random = np.random.default_rng(1)
    area, quality = np.repeat(np.arange(20), 200), random.normal(size=4000)
    events = random.poisson(0.1 * np.exp(0.3 * quality)).astype(float)
    one = np.ones(4000)
    rows = hazard.Rows(events, one, one, np.column_stack([one, quality]), area, np.zeros(2, bool))
    fitted = hazard.fit(rows)
    alone = hazard.infer(*shared_device.together(rows, fitted, np.arange(20)), np.array([1]))
    pairs = hazard.infer(*shared_device.together(rows, fitted, np.arange(20) // 2), np.array([1]))
    every = hazard.infer(*shared_device.together(rows, fitted, np.zeros(20, np.int64)), np.array([1]))
    assert [found.clusters for found in (alone, pairs, every)] == [20, 10, 1]
    assert pairs.intervals()[0][0] > 0
    assert every.covariance is None
    assert f"fewer than {clusters.FEWEST_CLUSTERS}" in every.method
