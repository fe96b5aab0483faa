"""The operations database through time: one file in ``versions`` for each step, none ever edited after a release."""
