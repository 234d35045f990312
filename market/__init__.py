"""The business: one wing per concern, and the kernel that all of them share."""
