"""The whole line from a search space to ranked clusters, as a directory that can be resumed."""
