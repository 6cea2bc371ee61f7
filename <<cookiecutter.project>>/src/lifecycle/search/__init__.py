"""`search`: looks for better parameters of the estimator, a trial at a time."""
