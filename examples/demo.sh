#!/bin/sh
# What "make demo" runs: one key, from a new directory to its way back after a
# restart. Everything happens in a temporary directory, which is removed at the
# end. KTSD_DEMO_PORT=N takes another port than 11371.
set -eu
exec 2>&1 # in the order in which it happens
cd "$(dirname "$0")/.."
PATH="${KTSD_DEMO_BIN:-$PWD/bin}:$PATH"

work=$(mktemp -d)
ktsd_pid=
cleanup() {
	status=$?
	[ -z "$ktsd_pid" ] || kill "$ktsd_pid" 2>/dev/null || true
	[ "$status" -eq 0 ] || { echo "The demo failed. ktsd's log:"; cat "$work/ktsd.log" 2>/dev/null || true; }
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

port=${KTSD_DEMO_PORT:-11371}
url=https://localhost:$port
export KEYTRUSTEE_CONFDIR="$work/server"       # of the server and its operator
export KEYTRUSTEE_CLIENT_CONFDIR="$work/alice" # of a client
certificate=$KEYTRUSTEE_CONFDIR/.ssl/ssl-cert-keytrustee.pem
site=examples/quickstart.hcl
if [ "$port" != 11371 ]; then
	site=$work/quickstart.hcl
	sed "s/localhost:11371/localhost:$port/" examples/quickstart.hcl >"$site"
fi

say() { printf '\n# %s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }
refused() { # CODE COMMAND…: the command has to end with this code
	want=$1 code=0
	shift
	run "$@" || code=$?
	[ "$code" = "$want" ] || { echo "exit code $code, not $want"; exit 1; }
}
# register DIR NAME: a client with the organization's code, which it reads from a pipe
register() {
	set -- keytrustee --confdir "$1" register --server "$url" --org quickstart --auth-file - --name "$2" --ca "$certificate"
	printf '$ %s | %s\n' "orgtool get-auth -n quickstart" "$*"
	orgtool get-auth -n quickstart | "$@"
}
start_ktsd() {
	printf '$ %s\n' "ktsd &"
	ktsd 2>>"$work/ktsd.log" &
	ktsd_pid=$!
	for _ in $(seq 200); do
		orgtool clients >/dev/null 2>&1 && return 0
		kill -0 "$ktsd_pid" 2>/dev/null || break
		sleep 0.05
	done
	echo "ktsd does not answer (is port $port in use? KTSD_DEMO_PORT=N takes another)"
	exit 1
}
stop_ktsd() {
	printf '$ %s\n' "kill $ktsd_pid  # ktsd ends after the requests under way"
	kill "$ktsd_pid"
	wait "$ktsd_pid" || true
	ktsd_pid=
}

say "A server's directory: OpenPGP key, TLS certificate, key-encryption key, database."
run ktadmin init --hostname localhost

say "The site is one file. Applied before ktsd runs, it writes this host's part and says what waits (exit 1)."
refused 1 ktadmin apply -f "$site" --auto-approve

say "Start the server, and apply again: the organization is made, and nothing is left to do."
start_ktsd
run ktadmin apply -f "$site" --auto-approve
run ktadmin plan -f "$site"

say "A client registers: with the server's certificate to trust, and the organization's code, which it reads from a pipe."
register "$KEYTRUSTEE_CLIENT_CONFDIR" alice

say "A 512-bit LUKS key goes in, encrypted and signed on this side."
head -c 64 /dev/urandom >"$work/luks.key"
run keytrustee put luks/sda2 "$work/luks.key"

say "The server restarts."
stop_ktsd
start_ktsd

say "The key comes back, byte for byte."
run keytrustee get luks/sda2 -o "$work/back.key"
run cmp "$work/luks.key" "$work/back.key"
run keytrustee list

say "The database does not hold it."
hex() { od -An -v -tx1 "$@" | tr -d ' \n'; }
if hex "$KEYTRUSTEE_CONFDIR"/state/db/* | grep -q "$(hex "$work/luks.key")"; then
	echo "the key is in the database in plain"
	exit 1
fi
echo "searched $(cat "$KEYTRUSTEE_CONFDIR"/state/db/* | wc -c) bytes of $KEYTRUSTEE_CONFDIR/state/db: not found"

say "Another client of the same organization gets nothing: to it there is no such deposit (exit 3)."
register "$work/mallory" mallory
refused 3 keytrustee --confdir "$work/mallory" get luks/sda2

say "And a client without the code does not get in at all (exit 1)."
refused 1 keytrustee --confdir "$work/eve" register --server "$url" --org quickstart --auth guess --ca "$certificate"

say "All of it is in the audit log, whose hash chain holds."
run ktadmin audit verify

say "Try next: 'ktadmin plan -f examples/site.hcl --host kts01.example.com', 'keytrustee --help', docs/from-keytrustee.md"
