"""Zoos: the models of a library as a space, from their configurations, without weights."""

from cgraph.spaces.zoo.models import ZooModel
from cgraph.spaces.zoo.space import PREFIX, ZOOS, Zoo, ZooSpace, zoo_of

__all__ = ["PREFIX", "ZOOS", "Zoo", "ZooModel", "ZooSpace", "zoo_of"]
