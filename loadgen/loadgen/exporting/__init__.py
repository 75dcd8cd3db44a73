"""The same test for another tool: a plan as a k6 script or as an Artillery test."""
