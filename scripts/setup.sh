# Sourced by scripts/test and scripts/demo: brings a fresh machine to where the project builds.
# Nothing is installed that is there already, and without root only what needs no root.

# The Debian package that brings a tool.
package_of() {
  case $1 in
    g++) echo g++ ;;
    make) echo make ;;
    python3) echo python3 ;;
    cmake) echo cmake ;;
    unshare) echo util-linux ;;
    script) echo bsdutils ;;
    groff) echo groff-base ;;
    dpkg-deb) echo dpkg ;;
    systemd-analyze) echo systemd ;;
    readelf) echo binutils ;;
    qemu-aarch64-static) echo qemu-user-static ;;
    *) echo "$1" ;;
  esac
}

# setup_tools TOOL...: makes sure that each is there, by apt-get where this is root.
setup_tools() {
  local missing=() tool
  for tool in "$@"; do command -v "$tool" >/dev/null 2>&1 || missing+=("$(package_of "$tool")"); done
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "Missing: ${missing[*]}. Install them as root (apt-get install ${missing[*]}) and run this again." >&2
    return 1
  fi
  echo "Installing ${missing[*]} ..." >&2
  apt-get update -qq >&2 || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# setup_packages: the npm packages, as the lock file has them. Their install scripts are not needed.
setup_packages() {
  if [ node_modules/.package-lock.json -nt package-lock.json ]; then return 0; fi
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
}

# setup_build: the addon and the library, where a source is newer than what was built of it.
setup_build() {
  local addon=native/build/Release/node_drbd.node
  if [ ! -e $addon ] || [ -n "$(find native -path native/build -prune -o -type f -newer $addon -print -quit)" ]; then
    echo "Building the addon ..." >&2
    node native/build.js
  fi
  if [ ! -e dist/.built ] || [ -n "$(find lib test tsconfig.json -newer dist/.built -print -quit)" ]; then
    echo "Compiling ..." >&2
    node_modules/.bin/tsc -p tsconfig.json
    chmod +x dist/lib/cli/bin/*.js
    scripts/bundle
    touch dist/.built
  fi
}
