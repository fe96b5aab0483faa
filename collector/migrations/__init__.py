"""The schema of the operations database, step by step: one file in ``versions`` each, never edited after a release."""
