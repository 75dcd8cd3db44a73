"""What measurements mean: health, diagnoses, the verdict."""
