"""What an answer says: the outcome of an upload, and the cause where it failed."""
