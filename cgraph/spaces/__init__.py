"""Search spaces: what the line needs of one, those that ship, and how one gets to them."""

from cgraph.spaces.catalogue import available, get

__all__ = ["available", "get"]
