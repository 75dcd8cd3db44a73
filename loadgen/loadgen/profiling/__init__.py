"""The columns of a team's own file as fields of synthetic records, without the file's values."""
