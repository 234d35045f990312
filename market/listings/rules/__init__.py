"""What follows for listings: their life, what is shown of them, and how search ranks them. Pure."""
