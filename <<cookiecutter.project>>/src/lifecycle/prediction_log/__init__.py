"""The prediction log: what servers write, read back and joined with labels."""
