"""How the tests and checks of the models do in worlds abroad, on tables made in memory: seconds a world, and no build."""
