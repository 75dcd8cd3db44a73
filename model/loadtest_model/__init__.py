"""The language that the operator and the generator share: values and pure functions, no I/O, no clock."""
