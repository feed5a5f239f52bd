"""What a program costs: stored bytes and work."""
