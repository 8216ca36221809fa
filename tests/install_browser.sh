#!/bin/sh
# The page is tested in a real Chromium, which no Python package brings. As root on Debian it is installed here, once;
# elsewhere this says, loudly, what will not be tested.
set -eu

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then exit 0; fi
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "set-up: installing Chromium with apt-get, once" >&2
    export DEBIAN_FRONTEND=noninteractive
    if apt-get update -qq >&2 && apt-get install -qq --yes --no-install-recommends chromium >&2; then exit 0; fi
fi

cat >&2 <<'TEXT'
################################################################################
# There is no Chromium on this machine: the tests of the page will be SKIPPED. #
# Install it (as root: apt-get install chromium) and run this again.           #
################################################################################
TEXT
