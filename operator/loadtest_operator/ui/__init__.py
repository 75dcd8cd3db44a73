"""The operator's live pages: all tests, one test as it runs, and its report at the end. They only read."""
