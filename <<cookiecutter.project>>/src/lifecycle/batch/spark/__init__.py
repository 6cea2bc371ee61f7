"""Batch scoring and validation on Spark."""
