#!/bin/sh
# After an installation or an upgrade. dpkg says "configure" and, in an upgrade, the
# version before; rpm says how many of us are installed now.
set -e
case "$1" in
configure) [ -z "$2" ] && first=1 || first= ;;
1) first=1 ;;
2) first= ;;
*) exit 0 ;; # dpkg undoes a step that failed
esac

# A host that has no systemd has the client's command, and no server.
command -v systemctl >/dev/null || exit 0
systemd-sysusers keytrustee.conf
# Where systemd does not run, as in an image that is being made, it does so once it boots.
systemd-tmpfiles --create keytrustee.conf || [ ! -d /run/systemd/system ]

# It does not start before there is a configuration directory, which "ktadmin init"
# makes; from then on it starts with the host.
[ -z "$first" ] || systemctl --quiet enable ktsd.service
if [ -d /run/systemd/system ]; then
	# What fails here is no reason to leave the package half installed.
	systemctl daemon-reload || echo "systemd did not read ktsd's unit again; to have it do so: systemctl daemon-reload" >&2
	[ -n "$first" ] || systemctl try-restart ktsd.service || echo "ktsd was not restarted; to see why: systemctl status ktsd, journalctl -u ktsd" >&2
fi

if [ ! -e /var/lib/keytrustee/.keytrustee/keytrustee.conf ]; then
	cat <<'END'
ktsd is installed. Next, as root:
  ktadmin init                                # makes the server's keys
  edit /etc/keytrustee/site.hcl
  ktadmin apply -f /etc/keytrustee/site.hcl   # starts it
END
elif [ -d /run/systemd/system ] && ! systemctl --quiet is-active ktsd.service; then
	echo "ktsd finds its keys and deposits in /var/lib/keytrustee, and is stopped; to start it: systemctl start ktsd"
fi
