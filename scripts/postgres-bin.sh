#!/usr/bin/env bash
# Prints the folder of the PostgreSQL server's programs, the newest version
# first; fails where there is none. Debian keeps them out of the PATH.
set -euo pipefail

newest=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
if [ -z "$newest" ]; then
	newest=$(command -v initdb) || {
		echo "no PostgreSQL server found: neither /usr/lib/postgresql/*/bin/initdb nor initdb in the PATH" >&2
		exit 1
	}
	newest=$(readlink -f "$newest")
fi
dirname "$newest"
