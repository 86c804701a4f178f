# `make demo` and `make test` need Python 3.11+ and a package index, and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := plot,serve,jax,page,tuner,docs,test
INSTALLED := $(VENV)/.installed

DEMO := runs/demo
EXPORT := $(BIN)/keras-nm export --license Apache-2.0
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist worksteal

# TensorFlow's notices, for the tests and the examples. keras-nm keeps them back itself.
export TF_CPP_MIN_LOG_LEVEL := 3

.PHONY: about_demo demo saved_models page docs test test-slow browser lint clean

$(INSTALLED): setup.py pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed: make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[$(EXTRAS)]'
	touch $@

about_demo:
	@echo "Installs keras_nm into $(VENV), if it is not there yet. Then trains a Neural Turing"
	@echo "Machine to copy sequences, measures it at lengths up to 120, where it was trained to"
	@echo "20, draws what it does, exports it, and asks the exported model for an answer."
	@echo "All but the installation takes about two minutes on two cores."

demo: about_demo $(INSTALLED)
	@rm -rf $(DEMO)
	$(BIN)/keras-nm train ntm/copy --layer ntm-feedforward --output $(DEMO)/run
	$(BIN)/keras-nm evaluate $(DEMO)/run --lengths 10 20 30 50 120
	$(BIN)/keras-nm trace $(DEMO)/run --output $(DEMO)/copy.png
	$(BIN)/keras-nm export $(DEMO)/run $(DEMO)/saved_model
	@$(BIN)/python examples/answer_from_saved_model.py $(DEMO)/saved_model/1 \
		2> $(DEMO)/notices || { cat $(DEMO)/notices >&2; exit 1; }

# The models of the repository, as their next versions, without neural_gpu_multiplication,
# which takes a GPU: its card says how it is made. Those that learned are of the first
# seed of their recipes that is solved; those of walk_bst and list_search are the first whose
# programs are exact, too, that of priority sort the best of five, those of dynamic N-grams,
# recall and repeat copy the best of ten, that of duplicate string the best of three, and that
# of repeat copy with marks counts the furthest. Trainings of an interrupted call begin anew.
saved_models: $(INSTALLED)
	@rm -rf runs/saved_models
	$(BIN)/keras-nm train ntm/copy --output runs/saved_models/ntm_copy
	$(EXPORT) runs/saved_models/ntm_copy saved_models/ntm_copy
	$(BIN)/keras-nm train ntm/associative_recall --seed 9 \
		--output runs/saved_models/ntm_associative_recall
	$(EXPORT) runs/saved_models/ntm_associative_recall \
		saved_models/ntm_associative_recall
	$(BIN)/keras-nm train ntm/repeat_copy --seed 1 --output runs/saved_models/ntm_repeat_copy
	$(EXPORT) runs/saved_models/ntm_repeat_copy saved_models/ntm_repeat_copy
	$(BIN)/python benchmarks/repeat_counts.py --lines "marks, to 20" --seeds 3 \
		--output runs/saved_models/ntm_repeat_copy_marks
	$(EXPORT) "runs/saved_models/ntm_repeat_copy_marks/marks, to 20-2" \
		saved_models/ntm_repeat_copy_marks --lengths 10 20
	$(BIN)/keras-nm train ntm/dynamic_ngrams --seed 5 \
		--output runs/saved_models/ntm_dynamic_ngrams
	$(EXPORT) runs/saved_models/ntm_dynamic_ngrams \
		saved_models/ntm_dynamic_ngrams --memory-size 256
	$(BIN)/keras-nm train ntm/priority_sort --layer ntm-feedforward \
		--output runs/saved_models/ntm_priority_sort
	$(EXPORT) runs/saved_models/ntm_priority_sort \
		saved_models/ntm_priority_sort --lengths 20
	$(BIN)/keras-nm train nram/access --output runs/saved_models/nram_access
	$(EXPORT) runs/saved_models/nram_access saved_models/nram_access \
		--lengths 6 50
	$(BIN)/keras-nm train nram/increment --output runs/saved_models/nram_increment
	$(EXPORT) runs/saved_models/nram_increment saved_models/nram_increment \
		--lengths 8 50
	$(BIN)/keras-nm train nram/copy --output runs/saved_models/nram_copy
	$(EXPORT) runs/saved_models/nram_copy saved_models/nram_copy \
		--lengths 6 50
	$(BIN)/keras-nm train nram/reverse --output runs/saved_models/nram_reverse
	$(EXPORT) runs/saved_models/nram_reverse saved_models/nram_reverse \
		--lengths 6 50
	$(BIN)/keras-nm train nram/swap --output runs/saved_models/nram_swap
	$(EXPORT) runs/saved_models/nram_swap saved_models/nram_swap \
		--lengths 6 50
	$(BIN)/keras-nm train nram/permutation --output runs/saved_models/nram_permutation
	$(EXPORT) runs/saved_models/nram_permutation \
		saved_models/nram_permutation --lengths 6 50
	$(BIN)/keras-nm sweep nram/walk_bst --seeds 32 --replicas 32 --jobs 1 \
		--output runs/saved_models/nram_walk_bst
	$(EXPORT) runs/saved_models/nram_walk_bst/nram-11 \
		saved_models/nram_walk_bst --lengths 5 50
	$(BIN)/keras-nm sweep nram/list_search --seeds 32 --replicas 16 --jobs 2 \
		--output runs/saved_models/nram_list_search
	$(EXPORT) runs/saved_models/nram_list_search/nram-13 \
		saved_models/nram_list_search --lengths 5 50
	$(BIN)/python benchmarks/nram_restarts.py --populations 1 \
		--output runs/saved_models/nram_merge
	$(EXPORT) runs/saved_models/nram_merge/nram-0 saved_models/nram_merge \
		--lengths 6 20 50
	$(BIN)/keras-nm train chomsky/reverse_string --layer stack-rnn \
		--output runs/saved_models/stack_rnn_reverse_string
	$(EXPORT) runs/saved_models/stack_rnn_reverse_string \
		saved_models/stack_rnn_reverse_string --memory-size 512
	$(BIN)/keras-nm train stack/anbmcnm --output runs/saved_models/stack_rnn_anbmcnm
	$(EXPORT) runs/saved_models/stack_rnn_anbmcnm \
		saved_models/stack_rnn_anbmcnm --lengths 19 60
	$(BIN)/keras-nm train chomsky/stack_manipulation --layer tape-rnn \
		--output runs/saved_models/tape_rnn_stack_manipulation
	$(EXPORT) runs/saved_models/tape_rnn_stack_manipulation \
		saved_models/tape_rnn_stack_manipulation --lengths 40 100 500 --memory-size 512
	$(BIN)/keras-nm train chomsky/duplicate_string --layer ntm-feedforward --seed 2 \
		--output runs/saved_models/ntm_duplicate_string
	$(EXPORT) runs/saved_models/ntm_duplicate_string \
		saved_models/ntm_duplicate_string --memory-size 512
	$(BIN)/keras-nm train chomsky/odds_first --layer ntm --seed 1 \
		--output runs/saved_models/ntm_odds_first
	$(EXPORT) runs/saved_models/ntm_odds_first saved_models/ntm_odds_first \
		--lengths 40 100 500 --memory-size 512
	$(BIN)/keras-nm train dnc/series_copy --layer dnc-s \
		--output runs/saved_models/dnc_series_copy
	$(EXPORT) runs/saved_models/dnc_series_copy saved_models/dnc_series_copy
	$(BIN)/keras-nm train dnc/key_value --layer dnc-m \
		--output runs/saved_models/dnc_key_value
	$(EXPORT) runs/saved_models/dnc_key_value saved_models/dnc_key_value \
		--lengths 16 32 --memory-size 32
	$(BIN)/keras-nm train neural_gpu/binary_addition \
		--output runs/saved_models/neural_gpu_addition
	$(EXPORT) runs/saved_models/neural_gpu_addition \
		saved_models/neural_gpu_addition --lengths 19 41 101 401
	$(BIN)/keras-nm train npi/addition --output runs/saved_models/npi_addition
	$(EXPORT) runs/saved_models/npi_addition saved_models/npi_addition
	$(BIN)/keras-nm train npi/bubble_sort --output runs/saved_models/npi_bubble_sort
	$(EXPORT) runs/saved_models/npi_bubble_sort saved_models/npi_bubble_sort
	$(BIN)/python examples/export_program.py list_k saved_models/nram_list_k

# All of them in one HTML file, for the browser. It takes npm.
page: $(INSTALLED)
	@rm -f runs/page/index.html
	$(BIN)/keras-nm page saved_models --output runs/page/index.html

# The site, with the outputs of its tutorials.
docs: $(INSTALLED)
	$(BIN)/python -m sphinx -W --keep-going -q docs docs/_build/html
	@echo "docs/_build/html/index.html"

# Everything that users rely on, at small sizes.
test: $(INSTALLED) lint
	$(PYTEST) -m "not slow"

# What is large by nature: real sizes, the browser, other runtimes and backends, kills.
test-slow: $(INSTALLED) browser
	$(PYTEST) -m slow

# What pages are made with, npm, and what they are tested in.
browser:
	@packages=; \
	command -v npm > /dev/null || packages=" npm"; \
	{ command -v chromium || command -v chromium-browser || command -v google-chrome; } \
		> /dev/null || packages="$$packages chromium"; \
	test -z "$$packages" || { \
		test "$$(id -u)" = 0 && command -v apt-get > /dev/null && apt-get -qq update \
		&& apt-get -qqy install --no-install-recommends $$packages; } \
		|| echo "Without$$packages: the tests of the page will be skipped"

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# All but the runs of your own.
clean:
	rm -rf $(VENV) $(DEMO) build *.egg-info .hypothesis .pytest_cache .ruff_cache
