"""What every test may use."""

from hypothesis import settings

# The same examples in every run; compilation makes a first example slow.
settings.register_profile("cgraph", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("cgraph")
