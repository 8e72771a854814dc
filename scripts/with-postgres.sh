#!/usr/bin/env bash
# Runs a command with a throwaway PostgreSQL server beside it:
#
#   scripts/with-postgres.sh go test ./internal/hub/store/...
#
# The command finds the server in HEADROOM_TEST_POSTGRES, a postgres:// URL
# with the right to create databases. The server listens on a Unix socket in a
# folder that only its owner may enter, keeps its files there, and is gone when
# the command ends, however it ends. Its data is not safe from a power cut:
# that makes it fast, and tests do not cut the power of this server.
#
# A HEADROOM_TEST_POSTGRES that is already set is used as it is.
set -euo pipefail
[ "$#" -gt 0 ] || { echo "usage: $0 COMMAND [ARGUMENT]..." >&2; exit 2; }
[ -n "${HEADROOM_TEST_POSTGRES:-}" ] && exec "$@"

bin=$("$(dirname "$0")/postgres-bin.sh")

# PostgreSQL refuses to run as root: then the user that Debian's package made does it.
if [ "$(id -u)" -eq 0 ]; then
	as_owner() { (cd / && exec runuser -u postgres -- "$@"); }
else
	as_owner() { "$@"; }
fi

# Not TMPDIR: the path of a Unix socket may have 107 bytes and no more.
dir=$(as_owner mktemp -d /tmp/headroom-postgres.XXXXXX)

stop() {
	as_owner "$bin/pg_ctl" --pgdata="$dir/data" --mode=immediate --silent stop >/dev/null 2>&1 || true
	rm -rf "$dir"
}
trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

said=$(as_owner "$bin/initdb" --pgdata="$dir/data" --username=postgres --auth=trust \
	--encoding=UTF8 --locale=C.UTF-8 --no-sync 2>&1) || {
	echo "$said" >&2
	exit 1
}

as_owner "$bin/pg_ctl" --pgdata="$dir/data" --log="$dir/log" --silent --wait --options="\
-c listen_addresses='' -c unix_socket_directories='$dir' -c max_connections=300 \
-c fsync=off -c synchronous_commit=off -c full_page_writes=off" start || {
	cat "$dir/log" >&2
	exit 1
}

export HEADROOM_TEST_POSTGRES="postgres://postgres@/postgres?host=$dir"
"$@"
