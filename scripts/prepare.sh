#!/usr/bin/env bash
# Makes sure that this machine has what the tests need beside Go, git and make:
# a C compiler for the race detector, a PostgreSQL server, Chromium and fonts,
# Slurm with munge, of which the tests start a cluster of their own, Squid and
# OpenSSL, of which they start proxies and responders, systemd-analyze,
# and Prometheus, which scrapes a hub.
#
# Looks first and asks no network where nothing is missing. As root it installs
# what is missing from Debian's packages; otherwise it says what to install.
set -euo pipefail
cd "$(dirname "$0")"

have_compiler() {
	command -v gcc >/dev/null &&
		echo '#include <stdlib.h>' | gcc -fsyntax-only -xc - 2>/dev/null
}

have_postgres() { ./postgres-bin.sh >/dev/null 2>&1; }

have_chromium() { command -v chromium >/dev/null; }

have_fonts() { [ -n "$(find /usr/share/fonts -name '*.ttf' -print -quit 2>/dev/null)" ]; }

# Debian keeps daemons where only root looks for programs.
have_slurm() {
	local program
	for program in munged slurmctld slurmd scontrol squeue sbatch; do
		PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || return
	done
}

packages=()
missing=()
need() { # check, what it is, packages
	local check=$1 what=$2
	shift 2
	"$check" && return
	missing+=("$what")
	packages+=("$@")
}

# A real proxy, with its helpers for sign-ins, and a real OCSP responder.
have_proxy() { PATH=$PATH:/usr/sbin command -v squid >/dev/null && command -v openssl >/dev/null; }

# It is asked about the unit of the agent; nothing of it is started.
have_systemd() { command -v systemd-analyze >/dev/null; }

# Prometheus scrapes the demo, and its tool says whether metrics are well written.
have_prometheus() { command -v prometheus >/dev/null && command -v promtool >/dev/null; }

# It is the witness of what is synced, and when.
have_strace() { command -v strace >/dev/null; }

find_missing() {
	packages=()
	missing=()
	need have_compiler "a C compiler (for the race detector)" gcc libc6-dev
	need have_postgres "a PostgreSQL server" postgresql
	need have_chromium "Chromium" chromium
	need have_fonts "fonts" fonts-dejavu-core fonts-liberation
	need have_slurm "Slurm and munge" slurm-wlm munge
	need have_systemd "systemd-analyze" systemd
	need have_proxy "Squid and OpenSSL" squid openssl
	need have_prometheus "Prometheus" prometheus
	need have_strace "strace" strace
}

list_missing() { printf '  %s\n' "${missing[@]}" >&2; }

find_missing
[ "${#missing[@]}" -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "The tests need what this machine does not have:" >&2
	list_missing
	echo "On Debian, install it as root with" >&2
	echo "  apt-get update && apt-get install --no-install-recommends ${packages[*]}" >&2
	exit 1
fi

echo "Installing what the tests need: ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install --yes --no-install-recommends "${packages[@]}" >/dev/null

find_missing
if [ "${#missing[@]}" -ne 0 ]; then
	echo "Installed, and still not found:" >&2
	list_missing
	exit 1
fi
