#!/bin/bash
# Who has no network serves port 80 of another namespace, and reaches it: unprivileged processes,
# each in a network namespace with nothing but lo, which is down, and the daemon in one of the
# test's own.
#
# Root runs them as users that have no rights. Anybody else makes all of it in a user namespace:
# there is one user in it then, who is its root, so theirs is the rule and every capability is
# dropped.
set -u

# shellcheck source=examples/namespaces.sh
source "${KYRON_SOURCE_DIR:-.}/examples/namespaces.sh"
if [[ $# -eq 0 ]]; then
        reason=$(namespaces_are_missing)
        if [[ -n $reason ]]; then
                echo "$reason"
                exit 77
        fi
        # By the shell it was started with, and in what it cannot leave again by mistake.
        run_in_outer_namespace bash "$0" inside
        exit
fi

# shellcheck source=tests/support/scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/scene.sh"
address=127.0.0.1:80

# says FILE WORDS: the words are in it, as they are.
says() {
        grep -qF -- "$2" "$directory/$1" || fail "$1 does not say \"$2\": $(cat "$directory/$1")"
}

# fails NAME COMMAND…: it has to, by itself and soon; what it says is in NAME.
fails() {
        local name=$1 status=0
        shift

        timeout "$patience" "$@" >"$directory/$name" 2>&1 || status=$?
        [[ $status -eq 1 ]] || fail "$name: status $status: $(cat "$directory/$name")"
}

serves() {
        [[ -s $directory/$1.out ]]
}

prepare_outer_namespace || fail "lo does not come up"
chmod 711 "$directory"
copy_programs "$build" "$directory"
cat >"$directory/kyron-iod.conf" <<END
policy "user:$user_name" {
        listen = {"tcp:$address"}
        connect = {"tcp:$address"}
        bind = {"udp:127.0.0.1:0"}
        hold = {"echo"}
}
END
start daemon "$build/kyron-iod" --foreground --log-level info --socket "$KYRON_SOCKET" \
        --config "$directory/kyron-iod.conf"
await daemon daemon_answers

# It is as it should be: no rights, and no way out.
"${unprivileged[@]}" grep -E '^Cap(Prm|Eff|Amb):' /proc/self/status >"$directory/rights"
! grep -qvE '\s0+$' "$directory/rights" || fail "unprivileged processes have rights: $(cat "$directory/rights")"
"${unprivileged[@]}" ip -o link show up >"$directory/links" || fail "cannot list the links"
[[ ! -s $directory/links ]] || fail "a link is up: $(cat "$directory/links")"

# Without the daemon's sockets the same programs get nowhere.
fails unconnected "${unprivileged[@]}" "$directory/echo_load" --tcp "$address" --connections 1
says unconnected "Network is unreachable"
fails unserved "${unprivileged[@]}" "$directory/echo_server" --tcp "$address"
says unserved "cannot serve"

# Another address is not in the rule, and that is said; who has no rule has nothing.
fails refused_port "${unprivileged[@]}" "$directory/echo_server" --via-daemon --tcp 127.0.0.1:81
says refused_port "may not listen on tcp:127.0.0.1:81: not in policy user:$user_name"
fails refused_target "${unprivileged[@]}" "$directory/echo_load" --via-daemon \
        --tcp 127.0.0.1:81 --connections 1
says refused_target "may not connect to tcp:127.0.0.1:81: not in policy user:$user_name"
says daemon.log "may not listen on tcp:127.0.0.1:81: not in policy user:$user_name"
if [[ ${#stranger[@]} -gt 0 ]]; then
        fails refused_user "${stranger[@]}" "$directory/echo_server" --via-daemon \
                --tcp "$address"
        says refused_user "uid 65533 may not"
        says refused_user "no policy"
        says daemon.log "uid 65533 may not"
else
        echo "there is one user only in this user namespace: nobody without a policy was tried"
fi

# Two servers, each in a namespace of its own, and the load in a third.
for name in server1 server2; do
        start "$name" "${unprivileged[@]}" "$directory/echo_server" --via-daemon \
                --keep-on-death --tcp "$address" --udp 127.0.0.1:0
        await "$name" serves "$name"
        [[ $(address_of "$name" tcp) == "$address" ]] || fail "$name: $(cat "$directory/$name.out")"
done
ss -Hltn "sport = :80" >"$directory/listening"
says listening "$address"
"${unprivileged[@]}" "$directory/echo_load" --via-daemon --tcp "$address" --connections 100 \
        --round-trips 100 >"$directory/load.out" 2>"$directory/load.log" ||
        fail "the load did not get through: $(cat "$directory/load.out")"
round_trips=$(awk '$1 == "tcp" { print $3 }' "$directory/load.out")
[[ $round_trips -eq 10000 ]] || fail "$round_trips round trips: $(cat "$directory/load.out")"

# The port is the outer namespace's: whoever has that reaches it without the daemon too.
"$build/examples/echo_load" --tcp "$address" --connections 10 --round-trips 10 \
        >"$directory/load.out" || fail "not from outside: $(cat "$directory/load.out")"

for name in server1 server2 daemon; do
        stop "$name"
done
echo "100 connections, $round_trips round trips, from a namespace without network to another"
