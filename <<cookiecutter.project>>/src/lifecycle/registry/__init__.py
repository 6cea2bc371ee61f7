"""The model registry: which version is the candidate, in staging or in production, and how versions move."""
