"""Batch scoring: whole tables, on one machine or on Spark."""
