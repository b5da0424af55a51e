# The front door: every goal sets up what it needs (ci/setup) and hands over to build/ftfuzz or a driver in tests/e2e.
# `make help` lists the goals.

TARGET ?= collections
TIME ?= 120
FLAVOUR ?= both
SCHEDULE ?= auto
JOBS ?=
SEED ?=
OUT ?= out
N ?= 20
ONLY ?=

FTFUZZ = build/ftfuzz
CTEST = ctest --test-dir build --output-on-failure
E2E = python3 tests/e2e
BENCH =
common = $(if $(JOBS),--jobs $(JOBS)) $(if $(SEED),--seed $(SEED))
export PYTHON_SOURCE

.DEFAULT_GOAL := help
.PHONY: help setup fuzz check harvest replay report corpus show list
.PHONY: test unit e2e canaries known-bugs sweep packages oss-fuzz bench format clean

help: ## this list
	@echo "usage: make GOAL [TARGET=$(TARGET)] [TIME=$(TIME)] [FLAVOUR=tsan|asan|both] [SCHEDULE=auto|free|pct] [JOBS=n]"
	@echo "                 [SEED=n] [OUT=folder] [PYTHON_SOURCE=<CPython tarball or tree>]"
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install packages, build the interpreters and the harness
	@ci/setup

fuzz: setup ## fuzz TARGET for TIME seconds
	@$(FTFUZZ) fuzz $(TARGET) --time $(TIME) --flavour $(FLAVOUR) --schedule $(SCHEDULE) $(common) --out $(OUT)

check: setup ## may TARGET be released? a verdict and a page, in TIME seconds (900)
	@$(FTFUZZ) check $(TARGET) --time $(if $(filter file,$(origin TIME)),900,$(TIME)) --flavour $(FLAVOUR) $(common) --out $(OUT)

harvest: setup ## run the tests of TARGET once, CMD='python -m pytest tests', and learn from them how it is called
	@$(FTFUZZ) harvest $(TARGET) -- $(or $(CMD),$(error give CMD='<test command>'))

replay: setup ## replay FINDING (a finding's folder or a .ft file) N times
	@$(FTFUZZ) replay $(or $(FINDING),$(error give FINDING=<folder of a finding or .ft file>)) -n $(N)

report: setup ## all findings of the campaign in OUT/TARGET
	@$(FTFUZZ) report $(OUT)/$(TARGET)

corpus: setup ## of all scenarios of TARGET keep the few that reach what they reach, in OUT/TARGET/merged
	@$(FTFUZZ) corpus $(TARGET) --out $(OUT)

show: setup ## what is known about TARGET: every callable and what it accepts
	@$(FTFUZZ) show $(TARGET)

list: setup ## the targets there are
	@$(FTFUZZ) list

test: setup ## all tests: unit, sim, tidy, canaries end to end, seeds, bad input
	@code=0; $(CTEST) || code=1; $(E2E)/run.py || code=1; exit $$code

unit: setup ## the tests that need no interpreter
	@$(CTEST)

e2e: setup ## the tests that fuzz for real, in their short form
	@$(E2E)/run.py

canaries: setup ## every planted bug must be found and its fixed twin stay silent; prints the table
	@$(E2E)/canaries.py --time 60 $(if $(ONLY),--only '$(ONLY)')

known-bugs: setup ## find documented bugs of the standard library and of packages again; prints the table
	@$(E2E)/known_bugs.py $(if $(ONLY),--only '$(ONLY)')

sweep: setup ## every C module of the standard library for 10 s; prints the table
	@$(E2E)/sweep.py $(if $(ONLY),--only '$(ONLY)')

packages: setup ## 31 packages of the index through `ftfuzz check`, a minute each; prints the table
	@$(E2E)/packages.py $(if $(ONLY),--only '$(ONLY)')

oss-fuzz: setup ## the examples of ci/oss-fuzz, built and checked as OSS-Fuzz does: two more interpreters the first time
	@$(E2E)/oss_fuzz.py

bench: setup ## measures against free-running threads and a hammer script: hours; options in BENCH='--quick'
	@python3 tests/bench/bench.py $(BENCH)

format: setup ## clang-format over our own C code
	@clang-format-$${FTFUZZ_LLVM:-19} -i $$(git ls-files 'harness/*.[ch]' 'tests/unit/*.c' 'tests/sim/*.[ch]' 'tests/fuzz/*.c')

clean: ## remove the build folder; interpreters stay in the cache
	rm -rf build
