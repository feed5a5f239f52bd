"""Analysis of search spaces of neural networks through their computational graphs."""
