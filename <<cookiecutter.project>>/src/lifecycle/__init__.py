"""The machinery of the project: pipeline, gate and the parts around them. It is the same in every repo, and renewed from the template."""
