"""NAS-Bench-101: 423,624 cells of at most 7 vertices and 9 edges."""
