"""The transformation distance: the cheapest edit that turns one kernel graph into another."""
