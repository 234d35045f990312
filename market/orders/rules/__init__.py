"""What follows for orders. Pure: no I/O, no clock, no randomness."""
