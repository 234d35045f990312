"""What one is told: the inbox of each user."""
