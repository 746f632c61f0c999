#!/bin/bash
# demo_namespaces.sh BUILD_DIR: an act of demo.sh, run in a network namespace of its own. The daemon
# serves its port 80 for an unprivileged process that has no network, and connects another.
set -euo pipefail

build=$1
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=examples/demo_scene.sh
source "$here/demo_scene.sh"
# shellcheck source=examples/namespaces.sh
source "$here/namespaces.sh"
address=127.0.0.1:80

prepare_outer_namespace
chmod 711 "$directory"
copy_programs "$build" "$directory"
export KYRON_SOCKET=$directory/socket
cat >"$directory/kyron-iod.conf" <<END
policy "user:$user_name" {
        listen = {"tcp:$address"}
        connect = {"tcp:$address"}
}
END
start daemon "$build/kyron-iod" --foreground --socket "$KYRON_SOCKET" \
        --config "$directory/kyron-iod.conf"
await daemon daemon_answers
echo "  a daemon in a network namespace of the demo's, with a policy for user $user_name"

start server "${unprivileged[@]}" "$directory/echo_server" --via-daemon --tcp "$address"
await server serves_tcp server
echo "  process ${started[server]} serves $(address_of server tcp) there; itself it has no rights, and only"
echo "  a namespace with lo down. So has the load, which gets by itself:"
"${unprivileged[@]}" "$directory/echo_load" --tcp "$address" --connections 1 \
        >"$directory/alone.out" 2>&1 && fail "the load needed no daemon"
sed -n 's/^echo_load: .*: /    /p' "$directory/alone.out"
echo "  and through the daemon's connect:"
"${unprivileged[@]}" "$directory/echo_load" --via-daemon --tcp "$address" --connections 100 \
        --round-trips 50 || fail "the load did not get through"
for name in server daemon; do
        stop "$name" || fail "$name did not end well"
done
