"""How far a measured share of lost echoes may lie from the line's own: held to shares that were drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard.models.complaints.measure_lags import TERMS
from dashboard.models.fixes import loss_error

LOSS = [term.name for term in TERMS].index("loss")
POINT = TERMS[LOSS].per


def _customers(of_device: dict[str, int], sent: dict[str, int], lost: dict[str, float]) -> pd.DataFrame:
    """So many customers of each device, as customers_now tells them."""
    devices = np.repeat(list(of_device), list(of_device.values()))
    return pd.DataFrame(
        {
            "device_id": devices,
            "trailing_echoes_sent": pd.array([sent[d] for d in devices], dtype="Int64"),
            "trailing_loss_ratio": [lost[d] / sent[d] for d in devices],
        }
    )


def _errors(customers: pd.DataFrame, area: list[int], areas: int) -> np.ndarray:
    return loss_error.errors(customers, np.array(area), areas, TERMS)


def test_the_error_is_that_of_the_customers_mean():
    of_device = {"a": 60, "b": 30, "c": 10}
    sent, true = {"a": 40_000, "b": 4_000, "c": 40_000}, {"a": 0.001, "b": 0.004, "c": 0.02}
    random = np.random.default_rng(4)
    lost = {d: random.binomial(sent[d], true[d], 4000) for d in of_device}
    means = sum(of_device[d] / 100 * lost[d] / sent[d] for d in of_device)
    customers = _customers(of_device, sent, {d: true[d] * sent[d] for d in of_device})
    assert _errors(customers, [0] * 100, 1)[0, LOSS] * POINT == pytest.approx(means.std(), rel=0.05)


def test_neighbours_on_one_device_have_one_error_and_modems_each_their_own():
    modems = {f"cpe-{i}": 1 for i in range(100)}
    sent, lost = dict.fromkeys([*modems, "ap"], 10_000), dict.fromkeys([*modems, "ap"], 10.0)
    shared = _errors(_customers({"ap": 100}, sent, lost), [0] * 100, 1)[0, LOSS]
    own = _errors(_customers(modems, sent, lost), [0] * 100, 1)[0, LOSS]
    assert own == pytest.approx(shared / 10)


def test_none_lost_of_few_is_not_certain_and_only_loss_is_counted():
    found = _errors(_customers({"a": 1, "b": 1}, {"a": 100, "b": 1_000_000}, {"a": 0, "b": 0}), [0, 1], 3)
    assert found[0, LOSS] * POINT == pytest.approx(np.sqrt(0.5) / 100)
    assert found[1, LOSS] < found[0, LOSS] / 1000
    assert not np.delete(found, LOSS, axis=1).any()
    assert not found[2].any(), "nobody lives there"


def test_where_nothing_was_heard_there_is_no_error_of_it():
    customers = _customers({"a": 2, "b": 2}, {"a": 1000, "b": 1000}, {"a": 10, "b": 10})
    customers.loc[1, ["device_id", "trailing_echoes_sent", "trailing_loss_ratio"]] = [None, pd.NA, np.nan]
    assert _errors(customers, [0, 0, 0, 0], 1)[0, LOSS] > 0
    customers[["trailing_echoes_sent", "trailing_loss_ratio"]] = [pd.NA, np.nan]
    assert not _errors(customers, [0, 0, 0, 0], 1).any()
