"""NAS-Bench-Graph: graph neural networks of four operations, trained on nine data sets."""
