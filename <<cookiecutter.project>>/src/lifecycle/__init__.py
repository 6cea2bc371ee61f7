"""The machinery of the project, pipeline, gate and other parts: the same in every repo, and updated from the template."""
