#!/bin/bash
# What kyronctl waits and why see as root, as a process's own user, as another, as a member of the
# daemon's admin group, in a PID namespace and where /proc hides others; and what they say of the rest.
set -u
# shellcheck source=tests/support/waits_scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/waits_scene.sh"

left_out=


# In a PID namespace, as in a container.
contained=(unshare --pid --fork --kill-child --mount --mount-proc)
# Where /proc lists nobody but one's own.
# shellcheck disable=SC2016 # for the inner shell
hiding=(unshare --mount bash -c 'mount -t proc -o hidepid=2 proc /proc && exec "$@"' hiding)

# sees NAME COMMAND…: what waits tells to whom COMMAND runs, in NAME.json and NAME.said.
sees() {
        local name=$1
        shift

        "$@" "$directory/kyronctl" waits --json >"$directory/$name.json" 2>"$directory/$name.log" ||
                fail "$name: waits fails"
        "$@" "$directory/kyronctl" waits >"$directory/$name.out" 2>"$directory/$name.said" ||
                fail "$name: waits fails"
}

# asks NAME PROGRAM COMMAND…: what why tells of a program's process to whom COMMAND runs.
asks() {
        local name=$1 pid=${started[$2]}
        shift 2

        "$@" "$directory/kyronctl" why --json "$pid" >"$directory/$name.json" 2>"$directory/$name.log" ||
                fail "$name: why fails"
}

# has NAME KEY VALUE: in the object, or in the first of the array.
has() {
        python3 -B -c '
import json, sys
answer = json.load(open(sys.argv[1]))
value = (answer[0] if isinstance(answer, list) else answer)[sys.argv[2]]
sys.exit(0 if eval(sys.argv[3], {"value": value}) else f"{sys.argv[2]} is {value!r}, not {sys.argv[3]}")
' "$directory/$1.json" "$2" "$3" 2>"$directory/has" ||
                fail "$1: $(cat "$directory/has") in $(cat "$directory/$1.json")"
}

says() {
        grep -qE "$2" "$directory/$1.said" || fail "$1 does not say \"$2\": $(cat "$directory/$1.said")"
}

says_not() {
        ! grep -qE "$2" "$directory/$1.said" || fail "$1 says \"$2\": $(cat "$directory/$1.said")"
}

# knows_nobody NAME COMMAND…: to whom COMMAND runs, the owner's process is none.
knows_nobody() {
        local name=$1 status=0
        shift

        "$@" "$directory/kyronctl" why "${started[mine]}" >"$directory/$name.out" \
                2>"$directory/$name.log" || status=$?
        [[ $status -eq 5 ]] || fail "$name: why ends with $status: $(cat "$directory/$name.out")"
}

as_owner=(setpriv --reuid=65534 --regid=65534 --clear-groups)
as_stranger=(setpriv --reuid=65533 --regid=65533 --clear-groups)
as_admin=(setpriv --reuid=65532 --regid=65532 --groups=1)
require_python
"${as_stranger[@]}" true 2>/dev/null || skip "only root can be several users"
chmod 711 "$directory"
cp "$build/kyronctl" "$build/tests/support/waiting_program" "$directory"
# shellcheck source=examples/namespaces.sh
source "${KYRON_SOURCE_DIR:-.}/examples/namespaces.sh"
copy_programs "$build" "$directory"
start_daemon --admin-group "$(getent group 1 | cut -d: -f1)"

start mine "${as_owner[@]}" "$directory/waiting_program" blocked
await mine test -s "$directory/mine.out"
start session "${as_owner[@]}" "$directory/echo_server" --tcp 127.0.0.1:0 --udp 127.0.0.1:0 \
        --unix "@waits-rights"
await session serves_all session
start frozen "${as_owner[@]}" "$directory/waiting_program" lost-edge
await frozen test -s "$directory/frozen.out"
kill -STOP "${started[frozen]}"

# Root sees it all.
sees root env
has root not_seen 'value == 0'
has root hidden 'value is False'
says_not root 'of other users|hidepid'
asks root_mine mine env
has root_mine seen 'value is True'
has root_mine entries 'value == 1'

# Its own user sees that, and of others how many there are.
sees owner "${as_owner[@]}"
has owner not_seen 'value >= 1'
says owner '^not seen: what [0-9]+ processes of other users have open$'
asks owner_mine mine "${as_owner[@]}"
has owner_mine seen 'value is True'
has owner_mine entries 'value == 1'
asks owner_session session "${as_owner[@]}"
has owner_session delivery 'value in ("relayed", "direct")'

# Another sees that one is stopped, and nothing of what they have open or wait for.
sees stranger "${as_stranger[@]}"
has stranger not_seen 'value >= 4'
says stranger '^not seen: what [0-9]+ processes of other users have open$'
grep -qE "^ *${started[frozen]} .* stopped" "$directory/stranger.out" ||
        fail "a stranger does not see who is stopped: $(cat "$directory/stranger.out")"
asks stranger_mine mine "${as_stranger[@]}"
has stranger_mine seen 'value is False'
has stranger_mine entries 'value == 0'
asks stranger_session session "${as_stranger[@]}"
has stranger_session delivery 'value is None'

# A member of the admin group is told of everybody's sessions, by the daemon; /proc knows no such group.
sees admin "${as_admin[@]}"
has admin not_seen 'value >= 4'
asks admin_mine mine "${as_admin[@]}"
has admin_mine seen 'value is False'
asks admin_session session "${as_admin[@]}"
has admin_session seen 'value is False'
has admin_session delivery 'value in ("relayed", "direct")'

# In a container nobody outside is there, and that is said.
sees contained "${contained[@]}"
has contained inner 'value is True'
has contained processes 'value < 4'
says contained '^not seen: processes outside of this PID namespace$'
knows_nobody contained "${contained[@]}"

# So it is where /proc hides others; but not to root.
if "${hiding[@]}" true 2>/dev/null; then
        sees hidden "${hiding[@]}" "${as_stranger[@]}"
        has hidden hidden 'value is True'
        has hidden processes 'value == 0'
        says hidden "^not seen: other users' processes, .*hidepid"
        knows_nobody hidden "${hiding[@]}" "${as_stranger[@]}"
        sees shown "${hiding[@]}"
        has shown hidden 'value is False'
        has shown not_seen 'value == 0'
        asks shown_mine mine "${hiding[@]}"
        has shown_mine entries 'value == 1'
else
        left_out="a /proc that hides others, which cannot be mounted here"
fi
[[ -z $left_out ]] || skip "passed, but without $left_out"
echo "root, owner, stranger, admin, in a PID namespace and with hidepid"
