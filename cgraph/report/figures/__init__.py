"""The figures: each a function from a table, or a program, to a matplotlib figure."""
