##@ Template

.PHONY: template-update

template-update:  ## renew this repo from its template, on a branch of its own: REF=version, SET="serving=yes", ABORT=1
	@$(PROJECT) template-update $${REF:+--ref="$$REF"} $${SET:+--set="$$SET"} $${TEMPLATE:+--template="$$TEMPLATE"} $${PROPOSE:+--propose} $${ABORT:+--abort}
