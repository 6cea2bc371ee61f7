"""The prediction log: what servers write, how it is read back, and which label belongs to which answer."""
