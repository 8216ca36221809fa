#!/bin/sh
# The models are checked by spin, which writes a checker in C; no Python package brings it. As root (or with sudo) on Debian
# it is installed here, once. Elsewhere this says, loudly, what is not checked.
set -eu

there() { command -v spin >/dev/null && command -v gcc >/dev/null; }
if there; then exit 0; fi

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    as_root="none"
fi

if [ "$as_root" != none ] && command -v apt-get >/dev/null; then
    echo "set-up: installing spin and gcc with apt-get, once" >&2
    install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends"
    if $as_root apt-get update -qq >&2 && $install spin gcc libc6-dev >&2 && there; then exit 0; fi
fi

cat >&2 <<'TEXT'
################################################################################
# There is no spin on this machine, or no gcc: the models are NOT CHECKED.     #
# Install them (as root: apt-get install spin gcc libc6-dev), run this again.  #
################################################################################
TEXT
