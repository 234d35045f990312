"""What is learnt: for now, how many facts of each kind there are per hour."""
