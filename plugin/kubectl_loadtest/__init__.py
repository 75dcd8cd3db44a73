"""`kubectl loadtest`: LoadTests from the command line, with the rights of the person who calls it."""
