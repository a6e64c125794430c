# Every target is one call of make.py, which does it without make as well: python make.py demo
# PYTHON names the interpreter that .venv is made by, TORCH=cpu or TORCH=cuda the build of PyTorch.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell $(name) -c \
	'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
UPGRADE ?=

.DEFAULT_GOAL := demo
# Two of them at once would install into one .venv.
.NOTPARALLEL:
.PHONY: check demo docs lock pythons smoke test wheels

check demo docs pythons smoke test wheels: python
	@$(PYTHON) make.py $@

# The newest version of some or of all is taken by UPGRADE="numpy av" or UPGRADE=all.
lock: python
	@$(PYTHON) make.py lock $(UPGRADE)

.PHONY: python
python:
	$(if $(PYTHON),,$(error no Python 3.11 or newer runs by the name of python3; name one, as in: make demo PYTHON=python3.13))
