"""`python -m bench`: all of it."""

from bench.verify import main

main()
