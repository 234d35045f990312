"""Everything outside the process: one file or folder per outside system."""
