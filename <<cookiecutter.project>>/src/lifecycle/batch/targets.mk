##@ Batch scoring

.PHONY: score score-demo

score:  ## score a table: INPUT=..., OUTPUT=scores, DATE=2026-01-31 or FIRST..LAST, BESIDE=candidate, ENGINE=spark, MASTER=spark://...
	@$(PROJECT) score --input="$${INPUT:?is not set: name the table}" --output="$${OUTPUT:-scores}" --engine="$${ENGINE:-local}" \
	  $${DATE:+--as-of="$$DATE"} $${BESIDE:+--beside="$$BESIDE"} $${MASTER:+--master="$$MASTER"}

score-demo:  ## score the dataset with the model in production and show the first rows
	@$(PROJECT) score --input "$$(cd $(HOME_OF_MODEL) && python -c 'from lifecycle.core import config; print(config.load().data.raw)')" --output scores
	@cd $(HOME_OF_MODEL) && python -c 'import pandas; print(pandas.read_parquet("scores").head().to_string())'
