"""What the checks abroad are made of; that their tables are those of a build is tested where a world is built."""

import numpy as np
import pandas as pd
import pytest

from bench.checks_abroad import __main__ as checks
from bench.checks_abroad import customer_weeks
from bench.worlds_abroad.simulation import worlds


def test_repairs_take_latency_off_the_weeks_after_unusual_complaints():
    frame = pd.DataFrame(
        {
            "area": np.repeat(["a", "b"], 8),
            "complaints_connection": [0, 0, 0, 8, 0, 0, 0, 0, *[1] * 8],
            "complaints_slow": 0,
            checks.LATENCY.area_column: 0.020,
        }
    )
    calm, mended = (checks._grid(checks._repaired(frame, size), checks.LATENCY.area_column) for size in (0.0, 1.0))
    assert (calm == 0.020).all()
    # A week of 8 where one is usual is 7 standard deviations; one of none is one below.
    assert mended[0, 4] == pytest.approx(0.020 - 0.001 * (7 - 2))
    assert (mended[1] == 0.020).all()


def test_a_sample_of_customer_weeks_stands_for_all_of_them():
    world = worlds.simulate("null", 3, areas=4, customers=400)
    every, some = customer_weeks.customer_weeks(world), customer_weeks.customer_weeks(world, stays=2000)
    assert (every["days_at_risk"] > 0).all()
    assert every["left_voluntarily"].sum() == some["left_voluntarily"].sum() > 0
    assert len(some) < len(every) / 5
    days = [(frame["days_at_risk"] * frame["weight"]).sum() for frame in (every, some)]
    assert days[1] == pytest.approx(days[0], rel=0.05)


@pytest.mark.parametrize("arguments", [["--seeds", "2"], ["--check", "nils"]])
def test_checks_take_odd_seeds_and_known_names(arguments, capsys):
    with pytest.raises(SystemExit):
        checks.main(arguments)
    assert capsys.readouterr().err
