"""Monitoring: drift, data quality and performance of a served model, and alerts."""
