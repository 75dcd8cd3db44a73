"""Archiving the files of every run, to a folder or to a bucket."""
