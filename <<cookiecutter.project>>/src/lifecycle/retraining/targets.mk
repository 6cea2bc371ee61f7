##@ Retraining

.PHONY: retrain

retrain:  ## retrain on the labels that came in and propose the result as a pull request: REASON="...", LOG=folder, LOCAL=1
	@$(PROJECT) retrain --reason="$${REASON:-}" $${LOG:+--log="$$LOG"} $${LOCAL:+--local}
