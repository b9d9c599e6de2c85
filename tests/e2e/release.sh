#!/bin/sh
# Each release is one static, stripped program that runs on its processor and
# fits; made twice from the same source it is the same to the byte.
set -eu
cd "$(dirname "$0")/../.."

ARMHF_MAX_BYTES=850000

build() {
	make -s release ARCH="$1" >"$TMPDIR/log" 2>&1 || {
		tail -n 40 "$TMPDIR/log"
		exit 1
	}
}

# check_program ARCH EMULATOR: it is static, stripped, and says its version.
check_program() {
	program=build/$1/tinpost
	if readelf -lW "$program" | grep -Eq 'INTERP|DYNAMIC'; then
		echo "$program is not static"
		exit 1
	fi
	if readelf -SW "$program" | grep -Eq '\.(symtab|debug_)'; then
		echo "$program is not stripped"
		exit 1
	fi
	case $($2 "$program" version) in
	*[0-9].[0-9]*) echo "$1: $(wc -c <"$program") bytes, runs" ;;
	*)
		echo "$program version says no version"
		exit 1
		;;
	esac
}

for pair in x86_64:qemu-x86_64-static armhf:qemu-arm-static \
	arm64:qemu-aarch64-static mipsel:qemu-mipsel-static; do
	if ! command -v "${pair#*:}" >/dev/null; then
		echo "${pair#*:} is missing: make setup"
		exit 77
	fi
	build "${pair%:*}"
	check_program "${pair%:*}" "${pair#*:}"
done

bytes=$(wc -c <build/armhf/tinpost)
echo "armhf: $bytes bytes of $ARMHF_MAX_BYTES"
if [ "$bytes" -gt $ARMHF_MAX_BYTES ]; then
	echo "that is too many"
	exit 1
fi

cp build/x86_64/tinpost "$TMPDIR/first"
rm -rf build/x86_64/obj build/x86_64/libtinpost.a build/x86_64/tinpost
build x86_64
cmp "$TMPDIR/first" build/x86_64/tinpost
