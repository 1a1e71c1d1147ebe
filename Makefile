# Muster's commands. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test soak fuzz lint bench programs idl clients clean

# Compiled dependencies are shared by every checkout of this user.
export CARGO_TARGET_DIR := $(or $(CARGO_TARGET_DIR),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/muster/target)

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## the whole network on this machine, until Ctrl-C (ONCE=1 ends after the summary, EPOCH_S=120 is the epoch; more in docs/localnet.md)
	@scripts/demo

test: ## every test: unit, property, programs in LiteSVM, database, container, end to end
	@scripts/test

fuzz: ## every decoder against mutated bytes, TIME=60 seconds each (SEED=n repeats a run)
	@MUSTER_FUZZ_S=$(or $(TIME),60) $(if $(SEED),MUSTER_FUZZ_SEED=$(SEED)) cargo test --quiet --locked --workspace --test hostile -- fuzz:: --nocapture

soak: ## power cuts of a real oracle under load, CYCLES=100 of them (MUSTER_CRASH_SEED=n repeats a run)
	@MUSTER_CRASH_CYCLES=$(or $(CYCLES),100) cargo test --quiet --locked --workspace --test crash -- --nocapture

lint: ## format, shell, TypeScript, unused dependencies, licences, clippy
	@scripts/lint

bench: ## benchmarks, one JSON object a line (ONLY=name runs one; ONLY=programs counts the programs' costs, JSON=1 in lines)
	@$(if $(filter programs,$(ONLY)),:,cargo run --quiet --release -p muster-bench -- $(if $(ONLY),--only $(ONLY)))
	@$(if $(filter-out programs,$(ONLY)),:,$(MAKE) --no-print-directory programs)
	@$(if $(filter-out programs,$(ONLY)),:,cargo run --quiet --locked --bin muster-bench --features muster-bench/programs -- --only programs $(if $(or $(JSON),$(if $(ONLY),,1)),--json))

programs: ## the on-chain programs, to target/deploy
	@scripts/setup programs
	@toolchain/build

idl: ## the programs' IDLs, to target/idl and idl
	@toolchain/idl

clients: ## the TypeScript client's generated parts, out of idl/, to clients/typescript
	@scripts/setup clients
	@scripts/clients generate

clean: ## what make made in this checkout; the shared cache in ~/.cache/muster stays
	rm -rf target clients/typescript/dist clients/typescript/node_modules
