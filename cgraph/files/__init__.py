"""Files that may come from anyone: their bytes within bounds, and their errors in words."""
