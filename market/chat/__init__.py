"""What is said: conversations, evidence."""
