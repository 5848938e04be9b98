# 家门口. From nothing but make and Python 3.11 or later: `make demo`, `make test`.
SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# Lock files name no host: pip's own settings, or PIP_INDEX_URL, say where packages come from.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet install
# A lock is complete, so there is nothing to resolve; `make check` sees whether it is.
LOCKED := $(PIP) --no-deps --require-hashes -r
EDITABLE := $(PIP) --no-deps --no-build-isolation -e .
UV_LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet

# The first Python that is new enough; PYTHON=… goes before the usual names.
PYTHON ?=
CANDIDATES = $(if $(PYTHON),$(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)
NEW_ENOUGH = import sys; sys.exit(sys.version_info < (3, 11))

# The mini-program for browsers.
STUB := miniprogram_stub
NPM := $(BIN)/python $(STUB)/node.py
NODE_MODULES := $(STUB)/node_modules/.package-lock.json
HOST := backend/miniprogram/built/index.html
HOST_SOURCES := $(shell find $(STUB)/mp $(STUB)/web $(STUB)/pack $(STUB)/*.cjs -type f)

PORT ?= 8000
RESET ?=

.PHONY: help setup tools host demo serve worker test compiled check browser bench soak lock wheel clean

help: ## 列出所有命令 / this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

# The bot is compiled for speed alone: where it can't be, it runs as it is written.
setup: $(VENV)/.dev ## 建立开发环境 / runtime and development environment
	@$(BIN)/python -m backend.bot.compiling || true

tools: $(NODE_MODULES)
	@$(NPM) --version >/dev/null

host: $(HOST) ## 构建浏览器里的小程序 / the mini-program for browsers, served at /m/

demo: $(VENV)/.runtime ## 演示：服务、任务和微信模拟器 / demo county (PORT=8123, RESET=1)
	@$(MAKE) --no-print-directory host || echo "小程序没有构建（需要 npm 的软件源），演示先不带页面。 /" \
		"The mini-program was not built (npm's registry is needed); the demo goes on without its pages."
	@$(BIN)/python -m backend demo --port $(PORT) $(if $(RESET),--reset)

serve: $(VENV)/.runtime ## 按 .env 启动服务 / server, as .env says
	@$(BIN)/python -m backend serve

worker: $(VENV)/.runtime ## 按 .env 启动任务进程 / jobs, as .env says (PostgreSQL and Redis)
	@$(BIN)/python -m backend worker

test: $(VENV)/.dev ## 全部测试 / the whole suite: every database that can be had, Node, Chromium
	@$(BIN)/python -m tests.run

# Without the tests that count the calls of Python's functions.
compiled: $(VENV)/.dev ## 编译分诊程序，并测编译过的 / the bot's tests on the bot as it is compiled
	@$(BIN)/python -m backend.bot.compiling
	@TEST_COMPILED=1 $(BIN)/python -m pytest -q -m "not soak" tests/bot --ignore=tests/bot/test_long_texts.py

check: $(VENV)/.dev $(NODE_MODULES) ## 代码规范、类型、分层、小程序 / lint, types, import contracts, mini-program
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports
	@$(BIN)/python -m pip check
	@$(NPM) run --silent check

browser: $(VENV)/.dev $(HOST) ## 只测小程序 / the mini-program alone: its logic, then journeys in Chromium
	@$(NPM) test
	@$(BIN)/python -m pytest -q -m browser tests/browser

bench: $(VENV)/.dev ## 性能测量 / what the figures in README come from
	@$(BIN)/python -m benchmarks.run

soak: $(VENV)/.dev ## 长时间的故障与负载测试 / long fault and load runs
	@$(BIN)/python -m tests.run --soak

lock: $(VENV)/.dev ## 更新依赖锁定文件 / resolve and lock the dependencies anew
	@command -v $(BIN)/uv >/dev/null || $(PIP) uv
	$(UV_LOCK) pyproject.toml requirements/build.in -o requirements/runtime.txt
	$(UV_LOCK) requirements/node.in -o requirements/node.txt
	$(UV_LOCK) requirements/pip.in -o requirements/pip.txt
	$(UV_LOCK) --extra dev pyproject.toml requirements/build.in \
		-c requirements/runtime.txt -o requirements/dev.txt

wheel: $(VENV)/.runtime $(HOST) ## 打包，含构建好的小程序 / dist/*.whl, with the built mini-program
	@$(BIN)/python -m pip --disable-pip-version-check --quiet wheel --no-deps --no-build-isolation \
		--wheel-dir dist .

clean: ## 删除环境和缓存，保留数据 / remove environment and caches, keep var/
	rm -rf $(VENV) $(STUB)/node_modules backend/miniprogram/built backend/bot/built .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.python:
	@if [ ! -w . ]; then \
		echo "这个文件夹是只读的，请把项目复制到可以写入的地方。 / This folder is read-only." >&2; \
		exit 1; \
	fi; \
	found=; \
	for python in $(CANDIDATES); do \
		if "$$python" -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "需要 Python 3.11 或更新的版本，请先安装，或用 PYTHON=路径 指定。 /" \
			"Python 3.11 or later is needed (looked for: $(CANDIDATES))." >&2; \
		exit 1; \
	fi; \
	if ! "$$found" -c 'import venv, ensurepip' >/dev/null 2>&1; then \
		echo "这个 Python 缺少 venv 或 pip，请先安装（Debian/Ubuntu：apt install python3-venv）。 /" \
			"$$found has no venv or pip (Debian, Ubuntu: apt install python3-venv)." >&2; \
		exit 1; \
	fi; \
	if [ ! -x $(BIN)/pip ]; then \
		echo "正在用 $$found 建立环境…… / Creating $(VENV)"; \
		"$$found" -m venv $(VENV) || exit 1; \
	fi; \
	touch $@

$(VENV)/.pip: requirements/pip.txt $(VENV)/.python
	@$(LOCKED) requirements/pip.txt
	@touch $@

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml $(VENV)/.pip
	@echo "正在安装依赖，第一次大约一分钟…… / Installing dependencies"
	@$(LOCKED) requirements/runtime.txt
	@$(EDITABLE)
	@touch $@

$(NODE_MODULES): $(STUB)/package-lock.json $(STUB)/package.json $(VENV)/.python
	@echo "正在安装小程序的构建工具…… / Installing what builds the mini-program"
	@$(NPM) ci
	@touch $@

$(HOST): $(NODE_MODULES) $(HOST_SOURCES)
	@$(NPM) run --silent build

# The lock for developers holds the runtime's too. What they never import need not be compiled.
$(VENV)/.dev: requirements/dev.txt requirements/runtime.txt pyproject.toml $(VENV)/.pip
	@echo "正在安装依赖和开发工具，第一次大约一分钟…… / Installing dependencies and development tools"
	@$(LOCKED) requirements/dev.txt --no-compile
	@$(EDITABLE)
	@touch $(VENV)/.runtime $@
