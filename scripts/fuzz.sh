#!/usr/bin/env bash
# Runs every fuzz target of the module, one after the other, each for the time
# given (default 1m). Stops at the first finding; Go then keeps the input in
# testdata/fuzz of the package.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-1m}

for package in $(go list ./...); do
	listed=$(go test -list '^Fuzz' "$package")
	for target in $(grep '^Fuzz' <<<"$listed" || true); do
		echo "== $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x "$package"
	done
done
