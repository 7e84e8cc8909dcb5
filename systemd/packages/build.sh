#!/bin/sh
# Makes the packages: dist/ktsd_VERSION_ARCH.deb and .rpm. "make packages" runs it
# after "make build". The same source gives the same bytes, wherever and whenever it
# is run. These may be set:
#
#	ARCHS              amd64 arm64
#	FORMATS            deb rpm
#	DIST               dist
#	BIN                bin: programs of this machine, which print their man pages
#	VERSION            what git describe says
#	SOURCE_DATE_EPOCH  the commit's time, in seconds; every file's time
set -eu
cd "$(dirname "$0")/../.."
: "${ARCHS:=amd64 arm64}" "${FORMATS:=deb rpm}" "${DIST:=dist}" "${BIN:=bin}"
: "${VERSION:=$(git describe --tags --always --dirty 2>/dev/null || echo devel)}"
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
package=$(sh systemd/packages/version.sh "$VERSION" "$(git rev-list --count HEAD 2>/dev/null || echo 0)")
export SOURCE_DATE_EPOCH PACKAGE_VERSION="$package"
echo "packaging $VERSION as $package into $DIST/"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$DIST"
for arch in $ARCHS; do
	# Man pages and shell completions are the same for all.
	export PACKAGE_ARCH="$arch" PACKAGE_BUILD="$work/$arch"
	mkdir -p "$work/$arch/bin"
	sh systemd/packages/share.sh "$BIN" "$work/$arch/share"
	flags="-s -w -X github.com/ktsd/ktsd/internal/cli.Version=$VERSION"
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build -trimpath -buildvcs=false -ldflags "$flags" -o "$work/$arch/bin/" ./ktadmin ./orgtool ./cmd/keytrustee
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build -trimpath -buildvcs=false -ldflags "$flags" -o "$work/$arch/bin/ktsd" ./server
	for format in $FORMATS; do
		go tool -modfile=internal/tools/go.mod nfpm package --config systemd/packages/nfpm.yaml --packager "$format" --target "$DIST/ktsd_${package}_$arch.$format" >/dev/null
		echo "$DIST/ktsd_${package}_$arch.$format"
	done
done
