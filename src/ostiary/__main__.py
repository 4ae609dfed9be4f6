"""`python -m ostiary` is the `ostiary` command."""

from ostiary.cli import main

main()
