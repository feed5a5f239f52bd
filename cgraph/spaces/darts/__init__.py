"""DARTS: a normal and a reduction cell of four nodes with two inputs each, seven operations."""
