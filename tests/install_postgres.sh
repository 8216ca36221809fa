#!/bin/sh
# The SQL is also tested on PostgreSQL 15, which no Python package brings. As root (or with sudo) on Debian it is installed
# here, once, as programs only: no cluster is made, nothing is started. Elsewhere this says, loudly, what is not tested.
set -eu

for folder in /usr/lib/postgresql/15/bin /usr/pgsql-15/bin; do
    if [ -x "$folder/initdb" ]; then exit 0; fi
done

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    as_root="none"
fi

# The package makes and starts a cluster unless this file tells it not to. It is put back as it was.
conf=/etc/postgresql-common/createcluster.conf
saved=$(mktemp)
put_back() {
    if [ -s "$saved" ]; then $as_root sh -c "cat '$saved' > $conf"; fi
    rm -f "$saved"
}

install_programs() {
    install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends"
    $as_root apt-get update -qq && apt-cache show postgresql-15 >/dev/null && $install postgresql-common || return 1
    cat "$conf" >"$saved"
    printf '\ncreate_main_cluster = false\n' | $as_root tee -a "$conf" >/dev/null
    $install postgresql-15
}

if [ "$as_root" != none ] && command -v apt-get >/dev/null; then
    echo "set-up: installing the programs of PostgreSQL 15 with apt-get, once" >&2
    trap put_back EXIT
    if install_programs >&2; then exit 0; fi
fi

cat >&2 <<'TEXT'
################################################################################
# There is no PostgreSQL 15 on this machine: the SQL is tested on 16 and 18,   #
# and its tests on 15 will be SKIPPED.                                         #
# Install it (as root: apt-get install postgresql-15) and run this again.      #
################################################################################
TEXT
