"""The collector measured side by side with its peers, on one load of agents: ``make bench-collector``."""
