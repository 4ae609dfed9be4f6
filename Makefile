# Short names for dev.py, which does the work: `make test ARGS="-k revoke"`.

PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help serve test check check-long floors pythons coverage mutants format bench pins document words clean

help:
	@$(PYTHON) dev.py help

serve test check check-long floors pythons coverage mutants format bench pins document words clean:
	@$(PYTHON) dev.py $@ $(ARGS)
