"""The proof before any load, and what is kept up of it while the load runs."""
