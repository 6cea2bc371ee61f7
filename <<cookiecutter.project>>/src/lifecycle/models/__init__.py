"""Further models in one repo, each with settings, pipeline, results and a name in MLflow of its own."""
