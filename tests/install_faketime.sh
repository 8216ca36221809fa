#!/bin/sh
# A clock that is set back is tried with libfaketime, which no Python package brings. As root (or with sudo) on Debian it is
# installed here, once. Elsewhere this says, loudly, what is not tested.
set -eu

for library in /usr/lib/*/faketime/libfaketime.so.1 /usr/lib64/faketime/libfaketime.so.1; do
    if [ -e "$library" ]; then exit 0; fi
done

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    as_root="none"
fi

install_library() {
    $as_root apt-get update -qq &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends faketime
}

if [ "$as_root" != none ] && command -v apt-get >/dev/null; then
    echo "set-up: installing libfaketime with apt-get, once" >&2
    if install_library >&2; then exit 0; fi
fi

cat >&2 <<'TEXT'
################################################################################
# There is no libfaketime on this machine: the test that sets the clock back   #
# will be SKIPPED. Install it (as root: apt-get install faketime) and run      #
# this again.                                                                  #
################################################################################
TEXT
