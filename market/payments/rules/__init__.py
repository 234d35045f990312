"""What follows for money. Pure."""
