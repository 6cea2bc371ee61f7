"""Forget a row everywhere it went: log, labels, scores and dataset; and say what git and DVC still hold of it."""
