#!/bin/sh
# Lays out the man pages and shell completions that the programs print of
# themselves, as they lie below /usr/share:
#
#	share.sh BIN SHARE
set -eu
bin=$1 share=$2
required= # any text: a program that prints none fails the build

page() { # page FILE PROGRAM ARGUMENT…: what the program prints, if it does
	file=$1
	shift
	if "$bin/$@" >"$share/page" 2>/dev/null; then
		mkdir -p "$(dirname "$share/$file")"
		mv "$share/page" "$share/$file"
		chmod 644 "$share/$file"
	elif [ -n "$required" ]; then
		echo "$*: failed" >&2
		exit 1
	fi
	rm -f "$share/page"
}

umask 022
mkdir -p "$share"
for program in ktsd ktadmin orgtool keytrustee; do
	page "man/man1/$program.1" "$program" --man
	page "bash-completion/completions/$program" "$program" completion bash
	page "zsh/site-functions/_$program" "$program" completion zsh
	page "fish/vendor_completions.d/$program.fish" "$program" completion fish
done
find "$share/man" -name '*.1' -exec gzip -9n {} + 2>/dev/null || true
