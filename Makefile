# make demo   a store of real short recordings, the daemon on it, and what to look at
# make test   all tests; what could not be tried here is listed at the end
# make lint   ruff, mypy, import-linter
# make unit   the fast tests only
# make search the properties with examples that were never tried before
.PHONY: demo test unit search lint format bench clean
BIN := .venv/bin
# Most tests wait for something, so a few more than there are cores; a file's tests share what they set up.
WORKERS := -n 3 --dist loadfile --no-loadscope-reorder

demo:
	@tools/setup run
	@$(BIN)/retentiond demo $(DEMO)

test:
	@tools/setup test
	@$(BIN)/python -m pytest $(WORKERS) tests $(ARGS)

unit:
	@tools/setup test
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal tests/unit tests/property tests/contract $(ARGS)

search:
	@tools/setup test
	@$(BIN)/python -m pytest -q --hypothesis-profile=search tests/property tests/integration/enforce $(ARGS)

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
