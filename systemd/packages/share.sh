#!/bin/sh
# Lays out the manual pages and shell completions that the programs print of
# themselves, as they lie below /usr/share:
#
#	share.sh BIN SHARE
#
# SOURCE_DATE_EPOCH is the pages' date.
set -eu
share=$2
umask 022
links=$(mktemp -d) # a program goes by the name that it is called by
trap 'rm -rf "$links"' EXIT
for program in ktsd ktadmin orgtool keytrustee; do
	ln -s "$(cd "$1" && pwd)/$program" "$links/$program"
done
ln -s orgtool "$links/keytrustee-orgtool"

mkdir -p "$share/bash-completion/completions" "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
for program in ktsd:8 ktadmin:8 orgtool:1 keytrustee-orgtool:1 keytrustee:1; do
	name=${program%:*} section=${program#*:}
	mkdir -p "$share/man/man$section"
	"$links/$name" --man | gzip -9n >"$share/man/man$section/$name.$section.gz"
	"$links/$name" --completion bash >"$share/bash-completion/completions/$name"
	"$links/$name" --completion zsh >"$share/zsh/site-functions/_$name"
	"$links/$name" --completion fish >"$share/fish/vendor_completions.d/$name.fish"
	[ -s "$share/fish/vendor_completions.d/$name.fish" ] && [ "$(zcat "$share/man/man$section/$name.$section.gz" | wc -c)" -gt 500 ] || {
		echo "$name: it prints no manual page or no completion" >&2
		exit 1
	}
done
