"""Search spaces: what the line needs of one, those that ship, and how one gets to them."""
