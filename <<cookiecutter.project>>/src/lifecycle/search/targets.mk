##@ Search

.PHONY: search

search:  ## try parameters as search.yaml says, write the best into params.yaml and run the pipeline: TRIALS=50, JOBS=2
	@$(PROJECT) search --trials="$${TRIALS:-50}" $${JOBS:+--jobs="$$JOBS"}
