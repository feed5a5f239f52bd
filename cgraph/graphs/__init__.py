"""The values everything else works on: computational graphs, kernel graphs, populations."""
