"""Many models at a glance: their map as a table, a figure and a page."""

from cgraph.report.models.table import ModelMap, map_models
from cgraph.report.models.writing import write_map

__all__ = ["ModelMap", "map_models", "write_map"]
