##@ Prediction log

.PHONY: log-compact

log-compact:  ## write the days of the prediction log that are over to Parquet, and remove those past log.keep_days
	@$(PROJECT) log compact $${LOG:+--log "$$LOG"}
