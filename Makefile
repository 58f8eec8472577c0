# make demo   a store of real short recordings, the daemon on it, and what to look at
# make test   all tests; what could not be tried here is listed at the end
# make lint   ruff, mypy, import-linter
# make unit   the fast tests only
.PHONY: demo test unit lint format bench clean
BIN := .venv/bin

demo:
	@tools/setup run
	@$(BIN)/retentiond demo $(DEMO)

test:
	@tools/setup test
	@$(BIN)/python -m pytest tests $(ARGS)

unit:
	@tools/setup test
	@$(BIN)/python -m pytest -q tests/unit tests/property tests/contract $(ARGS)

lint:
	@tools/setup test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format:
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench:
	@tools/setup test
	@$(BIN)/python -m tests.bench $(ARGS)

clean:
	@$(RM) -r .venv
