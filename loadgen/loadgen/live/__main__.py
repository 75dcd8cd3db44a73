"""`python -m loadgen.live`: the process that serves the page of a local run."""

from loadgen.live.serving import main

main()
