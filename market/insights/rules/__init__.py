"""What follows for insights: counts of facts, and what experiments have shown."""
