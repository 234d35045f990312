"""What is thought: ratings of both sides, hidden until both are given, and the credit that follows from them."""
