"""Providers whose customers leave for reasons of other kinds than the demo's, with their truth apart.

Nothing here imports the demo or the models of the dashboard: `mechanisms` says what may be true, `layout`, `quality` and
`customers` simulate it, `leaving` is the hazard, `futures` the truth of the next 90 days, and `exports` writes what
`bairro import` and `bairro build` read. `measure` builds a world and holds what is told to its truth.
"""
