"""Distances between programs: by usage, by edits, by transport."""
