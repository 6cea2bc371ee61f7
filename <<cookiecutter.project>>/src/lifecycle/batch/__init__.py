"""Scoring of whole tables: on one machine, or on Spark."""
