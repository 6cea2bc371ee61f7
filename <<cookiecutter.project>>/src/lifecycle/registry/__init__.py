"""The model registry: which version is candidate, staging and production, and how one gets there."""
