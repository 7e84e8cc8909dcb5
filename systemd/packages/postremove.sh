#!/bin/sh
# After a removal. No removal, and no purge, takes the data along: without these keys
# nothing that was deposited can be read again, by anybody.
set -e
case "$1" in
remove | purge | 0) ;;
*) exit 0 ;;
esac
if [ "$1" = purge ]; then
	rm -f /etc/systemd/system/multi-user.target.wants/ktsd.service /etc/systemd/system/keytrusteed.service
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload || : # the files are gone all the same
if [ -e /var/lib/keytrustee/.keytrustee ]; then
	echo "ktsd: keys, deposits and audit log are kept in /var/lib/keytrustee; to destroy them for good, remove it yourself"
fi
