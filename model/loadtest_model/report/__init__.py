"""What a run came to, for people and programs: summary, time series, JUnit, status."""
