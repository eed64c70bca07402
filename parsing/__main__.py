"""`python -m parsing`: the command line, which is in `parsing.cli`."""

from parsing.cli.parse import main

if __name__ == "__main__":
    raise SystemExit(main())
