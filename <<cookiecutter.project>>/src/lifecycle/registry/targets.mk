##@ Model registry

.PHONY: register promote check rollback history

register:  ## make the model a version, the candidate, if the gate passed it
	@$(PROJECT) register

promote:  ## promote a version: TO=staging or production, REASON="...", VERSION=3 to insist on one
	@$(PROJECT) promote --to="$${TO:-}" --reason="$${REASON:-}" $${VERSION:+--version="$$VERSION"}

check:  ## check that the version in staging loads and predicts as it did when it was evaluated
	@$(PROJECT) check

rollback:  ## put the previous version back into production: REASON="...", VERSION=3 for an older one
	@$(PROJECT) rollback --reason="$${REASON:-}" $${VERSION:+--to="$$VERSION"}

history:  ## print who moved which version when and why
	@$(PROJECT) history
