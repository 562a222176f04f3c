#!/usr/bin/env bash
# Builds the C library and installs it: libnanots.so and libnanots.a, which need no Swift to run or to link, the headers,
# and a pkg-config file. Needs Swift 6.3, binutils and liblz4-dev.
#
#     Sources/CInterface/Install/install.sh [--prefix /usr/local] [--scratch-path .build]
set -euo pipefail

prefix=/usr/local
root=$(cd "$(dirname "$0")/../../.." && pwd)
scratch=$root/.build
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) prefix=$2; shift 2 ;;
    --scratch-path) scratch=$2; shift 2 ;;
    *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
  esac
done

here=$root/Sources/CInterface/Install
headers=$root/Sources/CInterface/include
version=$(sed -n 's/^#define NANOTS_VERSION "\(.*\)"/\1/p' "$headers/nanots.h")
# Programs that were linked with one major version run with every later library of it.
soname=libnanots.so.${version%%.*}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

swift build --package-path "$root" --scratch-path "$scratch" -c release --product NanoTSCArchive
archive=$(swift build --package-path "$root" --scratch-path "$scratch" -c release --show-bin-path)/libNanoTSCArchive.a
runtime=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')_static/linux

# One object of the engine, of which nothing is seen but the functions of the headers. An object, because what comes out
# of an archive is not exported beside a static runtime.
lz4=$(pkg-config --variable=libdir liblz4 2>/dev/null || echo "/usr/lib/$(uname -m)-linux-gnu")/liblz4.a
ld -r -o "$work/engine.o" --whole-archive "$archive" --no-whole-archive "$lz4"
# The compiler's own list of libraries to link names liblz4's shared one.
objcopy --wildcard --keep-global-symbol='nanots_*' --remove-section .swift1_autolink_entries "$work/engine.o"

# The parts of the Swift runtime that the engine uses, which the list taken out had named.
swift_runtime=(-lswiftSynchronization -lswift_Concurrency -lswift_StringProcessing -lswiftSwiftOnoneSupport -ldispatch
  -lBlocksRuntime)

# It stays loaded once it is: the Swift runtime cannot be unloaded. Nothing in it is left for a program to find.
swiftc -emit-library -static-stdlib -o "$work/libnanots.so" "$work/engine.o" "${swift_runtime[@]}" -Xlinker --gc-sections \
  -Xlinker -soname="$soname" -Xlinker --version-script="$here/exports.map" -Xlinker -z -Xlinker nodelete \
  -Xlinker -z -Xlinker defs
strip --strip-unneeded "$work/libnanots.so"

# The same with the runtime in it, for the archive.
ld -r -o "$work/nanots.o" "$work/engine.o" "$runtime/$(uname -m)/swiftrt.o" -L "$runtime" --start-group -lswiftCore \
  "${swift_runtime[@]}" --end-group
objcopy --wildcard --keep-global-symbol='nanots_*' --strip-debug "$work/nanots.o"
ar rcs "$work/libnanots.a" "$work/nanots.o"

install -d "$prefix/include" "$prefix/lib/pkgconfig"
install -m 644 "$headers"/nanots.h "$headers"/nanots_store.h "$headers"/nanots.hpp "$prefix/include/"
install -m 755 "$work/libnanots.so" "$prefix/lib/libnanots.so.$version"
ln -sf "libnanots.so.$version" "$prefix/lib/$soname"
ln -sf "$soname" "$prefix/lib/libnanots.so"
install -m 644 "$work/libnanots.a" "$prefix/lib/"
sed "s|@PREFIX@|$prefix|; s|@VERSION@|$version|" "$here/nanots.pc.in" > "$prefix/lib/pkgconfig/nanots.pc"
echo "nanots $version is in $prefix: build with \`pkg-config --cflags --libs nanots\`"
