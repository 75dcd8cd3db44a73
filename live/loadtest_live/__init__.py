"""Serving live pages: each is rendered once for all who look at it, and only while somebody does."""
