##@ Serving and rollout

.PHONY: serve deploy undeploy simulate compare

serve:  ## serve the model in production on http://127.0.0.1:8000 (ALIAS=staging, PORT=...; stop it with Ctrl-C)
	@exec $(PROJECT) serve --alias "$${ALIAS:-production}" --port "$${PORT:-8000}"

deploy:  ## roll a version out to the servers of ENV=staging or production: CANARY=percent, SHADOW=1, REPLACE=1, REASON="..."
	@$(PROJECT) deploy --env "$${ENV:-}" $${CANARY:+--canary "$$CANARY"} $${SHADOW:+--shadow} $${REPLACE:+--replace} \
	  $${REASON:+--reason="$$REASON"} $${VERSION:+--version="$$VERSION"}

undeploy:  ## stop the servers that deploy started on this machine
	@$(PROJECT) deploy stop

simulate:  ## send ROWS held-out rows to the production server (SHIFT=column=factor)
	@$(PROJECT) simulate --rows "$${ROWS:-1000}" $${SHIFT:+--shift "$$SHIFT"}

compare:  ## compare the answers of a shadow with those of production (WINDOW=1d)
	@$(PROJECT) compare --window "$${WINDOW:-1d}"
