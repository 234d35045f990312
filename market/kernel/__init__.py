"""Pure values and arithmetic that every wing shares. Standard library only."""
