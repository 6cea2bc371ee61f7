##@ Monitoring

.PHONY: monitor

monitor:  ## compare the traffic of the last WINDOW (1d) with the reference: reports/monitoring; ACT=1 to alert
	@$(PROJECT) monitor --window "$${WINDOW:-1d}" $${ACT:+--act}
