"""`python -m cgraph` is the command line."""

from cgraph.cli import main

if __name__ == "__main__":
    main()
