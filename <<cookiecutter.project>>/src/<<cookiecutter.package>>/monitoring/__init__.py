"""What watches a model that is served, and what it does about it: alerts, and retraining that comes back as a pull request."""
