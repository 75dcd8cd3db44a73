"""The target's token: where it comes from and when it is renewed."""
