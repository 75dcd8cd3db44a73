"""From samples to counts and sketches, and how the generator and the target fare."""
