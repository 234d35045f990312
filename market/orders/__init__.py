"""What is agreed: bookable, price, holds, the order's life, disputes."""
