"""`python -m retentiond`."""

from retentiond.cli.main import main

if __name__ == "__main__":
    main()
