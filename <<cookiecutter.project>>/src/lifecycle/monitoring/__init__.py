"""What watches a served model, and what is done about it: alerts, and retraining that comes back as a pull request."""
