##@ Demonstration

.PHONY: drift-demo

drift-demo:  ## the whole loop in a few minutes, in a clone: serve, drift, detect, retrain, gate
	@python scripts/drift_demo.py
