"""Clusters in order, without training, and how well the order holds against trained accuracy."""
