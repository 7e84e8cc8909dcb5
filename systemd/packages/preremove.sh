#!/bin/sh
# Before a removal: stops ktsd. An upgrade leaves it running: the new version's
# postinstall restarts it.
set -e
case "$1" in
remove | deconfigure | 0) ;;
*) exit 0 ;;
esac
[ -d /run/systemd/system ] && systemctl stop ktsd.service
# dpkg keeps what was configured, until a purge; rpm does not.
[ "$1" != 0 ] || ! command -v systemctl >/dev/null || systemctl --quiet --no-reload disable ktsd.service
exit 0
