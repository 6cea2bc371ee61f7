"""Retraining: newly labelled rows, in a new version of the dataset, back as a pull request."""
