"""Pages for people: the report of a run as one HTML file, made of sections that a live page may show by themselves."""
