"""The page that a tutorial would make of the same tables: everything read and drawn anew in each callback.

python -m bench.dashboard.plain_page DATA PORT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import plotly.express as px
import sqlalchemy as sa
from dash import Dash, Input, Output, dash_table, dcc, html
from waitress import serve

COLUMNS = ("device_id", "area", "state", "since", "subscribers", "rtt_seconds", "loss_ratio", "utilization_ratio")


def create(data: Path) -> Dash:
    """One interval, one callback: counts, map, incidents, devices that are not up."""
    app = Dash("plain", compress=True)
    areas = pd.concat(pd.read_parquet(path) for path in sorted((data / "records" / "areas").glob("*.parquet")))
    outlines = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "id": row.area, "geometry": json.loads(row.geometry), "properties": {}}
            for row in areas.itertuples()
        ],
    }
    engine = sa.create_engine(f"sqlite:///{data / 'operations.sqlite'}")
    app.layout = html.Div(
        [
            dcc.Interval(id="tick", interval=5000),
            html.Div(id="counts"),
            dcc.Graph(id="map"),
            dash_table.DataTable(id="incidents"),
            dash_table.DataTable(id="devices", columns=[{"id": c, "name": c} for c in COLUMNS]),
        ]
    )

    @app.callback(
        Output("counts", "children"),
        Output("map", "figure"),
        Output("incidents", "data"),
        Output("devices", "data"),
        Input("tick", "n_intervals"),
    )
    def renew(_: int) -> tuple[object, ...]:
        live = pd.read_parquet(data / "live" / "shard=0.parquet")
        open_ones = pd.read_sql("SELECT * FROM incidents WHERE ended_at IS NULL", engine)
        counts = [html.Div(f"{state}: {count}") for state, count in live["state"].value_counts().items()]
        down = live["state"].isin(["down", "suppressed"]).groupby(live["area"]).mean().rename("share").reset_index()
        figure = px.choropleth(down, geojson=outlines, locations="area", color="share")
        figure.update_geos(fitbounds="locations", visible=False)
        bad = live.loc[live["state"] != "up", list(COLUMNS)].astype({"since": str})
        return counts, figure, open_ones.to_dict("records"), bad.to_dict("records")

    return app


if __name__ == "__main__":
    serve(create(Path(sys.argv[1])).server, host="127.0.0.1", port=int(sys.argv[2]), threads=8)
