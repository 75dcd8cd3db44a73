"""Pages that follow a run: the sections of a report as they stand so far, in a page whose parts are replaced."""
