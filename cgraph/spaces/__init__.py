"""Search spaces: what the line needs of one, those that ship, and how one gets to them."""

from cgraph.spaces.catalogue import available, get
from cgraph.spaces.choices import ChoiceSpace
from cgraph.spaces.models import from_models
from cgraph.spaces.resolving import resolve
from cgraph.spaces.sampled import SampledChoiceSpace, SampledSpace
from cgraph.spaces.space import Space
from cgraph.spaces.traced import TracedSpace

__all__ = [
    "ChoiceSpace",
    "SampledChoiceSpace",
    "SampledSpace",
    "Space",
    "TracedSpace",
    "available",
    "from_models",
    "get",
    "resolve",
]
