##@ Packages

.PHONY: relock audit

relock:  ## update packages one by one, see what each does to the metrics, and propose it as a pull request: LOCAL=1
	@$(PROJECT) relock $${LOCAL:+--local}

audit:  ## list the packages of requirements.txt with known vulnerabilities
	@$(PROJECT) audit
