#!/bin/sh
# Prints the version that a package has for what "git describe --tags --always
# --dirty" says, so that dpkg and rpm order versions as they were made:
#
#	v1.2.0-rc1             1.2.0~rc1
#	v1.2.0                 1.2.0
#	v1.2.0-7-g0123abc      1.2.0+7.g0123abc
#	0123abc (no tag yet)   0.0.0+COMMITS.g0123abc
#
# with ".dirty" behind it ("+dirty" behind a bare 1.2.0) where files were changed.
#
#	version.sh DESCRIBED COMMITS
set -eu
described=$1 commits=${2:-0}

clean=${described%-dirty}
dirty=
[ "$clean" = "$described" ] || dirty=1

case $clean in
v[0-9]*-*-g*) # commits behind a tag
	hash=${clean##*-g}
	rest=${clean%-g*}
	tag=${rest%-*}
	extra="${rest##*-}.g$hash"
	;;
v[0-9]*) tag=$clean extra= ;;
*[!0-9a-f]* | "") # no repository
	tag=v0.0.0 extra=$(printf %s "${clean:-devel}" | tr -c 'A-Za-z0-9' .)
	;;
*) tag=v0.0.0 extra="$commits.g$clean" ;;
esac
[ -z "$dirty" ] || extra="${extra:+$extra.}dirty"

# A release candidate comes before its release.
version=$(printf %s "${tag#v}" | sed 's/-/~/; s/[^A-Za-z0-9.~]/./g')
echo "$version${extra:++$extra}"
