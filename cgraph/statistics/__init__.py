"""Training-free statistics of networks: definitions, protocols, and their estimation."""
