# Sourced by scripts/prebuild and scripts/release: Debian roots and Nodes, which are made or fetched once and kept in
# .cache/roots, or where NODE_DRBD_ROOTS says.

roots=${NODE_DRBD_ROOTS:-$PWD/.cache/roots}
MIRROR=${NODE_DRBD_MIRROR:-http://deb.debian.org/debian}

need_root() {
  [ "$(id -u)" -eq 0 ] && return 0
  echo "A Debian root is made with debootstrap and entered with chroot, which needs root. Run this as root." >&2
  exit 1
}

# make_root RELEASE NAME [PACKAGE,...]: prints the folder of a small Debian; fails where the mirror has no such release.
make_root() {
  local folder=$roots/$2
  if [ ! -e "$folder/.made" ]; then
    need_root
    mkdir -p "$roots"
    rm -rf "$folder" "$folder.part"
    echo "Making a root of Debian $1 in $folder ..." >&2
    if ! debootstrap --variant=minbase ${3:+--include="$3"} "$1" "$folder.part" "$MIRROR" >"$roots/$2.log" 2>&1; then
      tail -3 "$roots/$2.log" >&2
      rm -rf "$folder.part"
      return 1
    fi
    rm -rf "$folder.part"/var/cache/apt/archives/*.deb
    touch "$folder.part/.made"
    mv "$folder.part" "$folder"
  fi
  echo "$folder"
}

# make_build_root: the oldest Debian there is from 11 on, with both compilers.
make_build_root() {
  local release
  for release in bullseye bookworm trixie; do
    make_root "$release" "build-$release" g++,libc6-dev,g++-aarch64-linux-gnu && return 0
    echo "No root of Debian $release could be made from $MIRROR; trying the next release." >&2
  done
  echo "No Debian root to compile in could be made from $MIRROR." >&2
  return 1
}

root_name() {
  (. "$1/etc/os-release" && echo "$PRETTY_NAME")
}

# fetch_node LINE [ARCH]...: prints a folder with x64/ and arm64/, or those that are named (bin/node and include/), and
# version, from the npm registry.
fetch_node() {
  local line=$1 folder=$roots/node-$1 arch
  shift
  [ $# -gt 0 ] || set -- x64 arm64
  for arch in "$@"; do
    [ -e "$folder/version" ] && [ -e "$folder/$arch" ] && continue
    echo "Fetching Node $line for $arch ..." >&2
    rm -rf "$folder.part"
    mkdir -p "$folder.part" "$folder"
    echo '{"private":true}' >"$folder.part/package.json"
    # For another processor too, hence --force. The second is of the first one's version.
    npm install --prefix "$folder.part" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error --force \
      "node-linux-$arch@$(cat "$folder/version" 2>/dev/null || echo "$line")" >&2
    mv "$folder.part/node_modules/node-linux-$arch" "$folder/$arch"
    rm -rf "$folder.part"
    sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$folder/$arch/package.json" >"$folder/version"
  done
  echo "$folder"
}

# load_in_root ROOT ARCH NODE ADDON: loads it there, and looks at a block device with it.
load_in_root() {
  local root=$1 arch=$2 node=$3 work=$1/load
  local script='const a = require(process.argv[1]); if (a.blockDevice("/dev/null").isBlockDevice !== false) process.exit(3);'
  rm -rf "$work"
  mkdir -p "$work"
  cp "$4" "$work/node_drbd.node"
  # A root may have no /dev of its own.
  [ -e "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3
  case $arch in
    x64)
      cp "$node/x64/bin/node" "$work/node"
      chroot "$root" /load/node -e "$script" /load/node_drbd.node
      ;;
    arm64)
      # With the C and C++ libraries of the root's cross compiler, which are those of its release.
      qemu-aarch64-static -L "$root/usr/aarch64-linux-gnu" "$node/arm64/bin/node" -e "$script" "$work/node_drbd.node"
      ;;
  esac
  rm -rf "$work"
}
