"""Redis carries and hints; it never decides. Losing all of it delays pixels and drops courtesy holds."""
