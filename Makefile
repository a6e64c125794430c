# Every target makes .venv when it must and does nothing twice: a stamp in .venv is as new as the last
# install, and an install follows only a change of what is to be installed.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell $(name) -c \
	'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
MANIFESTS := pyproject.toml constraints.txt $(wildcard plugins/*/pyproject.toml)
PLUGINS := -e plugins/face_mesh -e plugins/feather_blend -e plugins/dpe_portrait -e plugins/face_identity \
	-e plugins/poisson_blend -e plugins/multiband_blend -e plugins/yunet_detect -e plugins/onnx_generator
TYPED := dpe_toolkit plugins/face_mesh/dpe_face_mesh plugins/feather_blend/dpe_feather_blend \
	plugins/face_identity/dpe_face_identity plugins/dpe_portrait/dpe_portrait plugins/poisson_blend/dpe_poisson_blend \
	plugins/multiband_blend/dpe_multiband_blend plugins/yunet_detect/dpe_yunet_detect \
	plugins/onnx_generator/dpe_onnx_generator
LINTED := dpe_toolkit plugins benchmarks tests
DEMO := demo_output
DEMO_STILL := 58

.PHONY: check demo docs test

demo: $(VENV)/.installed-demo
	$(BIN)/python -m dpe_toolkit.testing.demo $(DEMO)/media
	$(BIN)/dpe render timelines/demo.otio -o $(DEMO)/demo.mp4
	$(BIN)/dpe still timelines/demo.otio --frame $(DEMO_STILL) -o $(DEMO)/demo.png
	@echo "result:       $(DEMO)/demo.mp4"
	@echo "side by side: $(DEMO)/demo.png"
	@echo "edits file:   $(DEMO)/demo.mp4.edits.json"

test: check
	$(BIN)/python -m pytest -n 2 --dist loadfile -q

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict -q
	@echo "site: site/index.html"

check: $(VENV)/.installed-dev
	$(BIN)/ruff check $(LINTED)
	$(BIN)/ruff format --check $(LINTED)
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports
	$(BIN)/python tests/contracts/function_sizes.py dpe_toolkit plugins benchmarks

$(BIN)/python:
	$(if $(PYTHON),,$(error Python 3.11 or newer is needed; name it with PYTHON=...))
	$(PYTHON) -m venv $(VENV)

# A development install has all that the demo wants, so that the two never undo each other.
$(VENV)/.installed-demo: $(BIN)/python $(MANIFESTS)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[default,demo]' $(PLUGINS)
	@touch $@

$(VENV)/.installed-dev: $(BIN)/python $(MANIFESTS)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[default,demo,dev,train,color,nle]' $(PLUGINS)
	@touch $@ $(VENV)/.installed-demo

$(VENV)/.installed-docs: $(BIN)/python $(MANIFESTS)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[default,demo,docs]' $(PLUGINS)
	@touch $@
