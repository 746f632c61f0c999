# shellcheck shell=bash
# A test host: a machine of its own for a test, with a real systemd as its process 1 and kyron-iod
# installed in it as on any other machine. Sourced; brings tests/support/scene.sh along.
#
# It is a container made by hand (boot.sh, init.sh): namespaces, and a throwaway overlay of this
# machine's files. It has no network but lo, and nothing of this machine's that it could change.
# Whatever becomes of the test, the host ends with it.
#
#   host_start [PROGRAM…]         boots it; the programs, named as in the build directory, are then
#                                 in its PATH. Skips the test where that cannot be.
#   host_run COMMAND…             as its root
#   host_run_as USER COMMAND…     as one of its users; "visitor" and "guest" are ordinary ones
#   host_service NAME USER COMMAND…   as a service of its own, host-NAME, which starts again when it
#                                 ends; its output is in /run/host-NAME.out
#   host_systemctl, host_journal  its systemctl, and what the daemon's unit has logged in it
#   host_stop                     also called at the end of the test

# shellcheck source=tests/support/scene.sh
source "${KYRON_SOURCE_DIR:-.}/tests/support/scene.sh"

host_source=${KYRON_SOURCE_DIR:-.}/tests/host
host_unit=kyron-iod.service
host_supervisor=''
host_pid='' # of its process 1, as seen from here
host_prefix=''
host_path=''

# Why there can be no host; nothing if there may be one, which boot.sh finds out.
host_is_missing() {
        local program

        [[ $EUID -eq 0 ]] || {
                echo "a host with systemd needs root"
                return
        }
        [[ -x /lib/systemd/systemd ]] || {
                echo "systemd is not here"
                return
        }
        for program in systemctl journalctl unshare nsenter setpriv mount pivot_root make; do
                command -v "$program" >/dev/null || {
                        echo "$program is not here"
                        return
                }
        done
        [[ -e $build/systemd/kyron-iod.service ]] || {
                echo "this build is without systemd"
                return
        }
        # A leak checker traces its process, which the unit forbids.
        ! grep -q -e -fsanitize= "$build/config.status" || {
                echo "this build is with a sanitizer"
                return
        }
        host_prefix=$(sed -n 's|^ExecStart=\(.*\)/sbin/kyron-iod .*|\1|p' "$build/systemd/kyron-iod.service")
        # Elsewhere systemd looks for no units, and in its own /tmp the host would not find it.
        [[ $host_prefix == /usr || $host_prefix == /usr/local ]] ||
                echo "the build's prefix is \"$host_prefix\", neither /usr nor /usr/local"
}

host_start() {
        local deadline status=0

        host_is_missing >"$directory/host.reason"
        [[ ! -s $directory/host.reason ]] || skip "no host: $(cat "$directory/host.reason")"
        host_path=$host_prefix/sbin:$host_prefix/bin:$host_prefix/libexec/kyron-test:/usr/sbin:/usr/bin:/sbin:/bin

        # In a mount namespace of its own from the first: nothing is ever mounted on this machine.
        setpriv --pdeathsig TERM unshare --mount --propagation private \
                bash "$host_source/boot.sh" "$directory" "$build" "$host_prefix" "$@" \
                >"$directory/host.log" 2>&1 &
        host_supervisor=$!
        deadline=$((SECONDS + 60))
        until host_is_up; do
                if ! kill -0 "$host_supervisor" 2>/dev/null; then
                        wait "$host_supervisor" || status=$?
                        host_supervisor=''
                        [[ $status -ne 1 ]] || fail "the host could not be made"
                        cat "$directory/host.log"
                        skip "no host: $(tail -n1 "$directory/host.log")"
                fi
                if ((SECONDS >= deadline)); then
                        cat "$directory/host.log"
                        [[ -z $host_pid ]] || host_systemctl list-jobs --no-pager
                        skip "no host: systemd did not come up in 60 s"
                fi
                sleep 0.05
        done
        host_set_up >"$directory/set-up.log" 2>&1 || fail "the host cannot be set up"
        rm "$directory/set-up.log"
}

# The daemon as README.md has it, and users for tests.
host_set_up() {
        host_run ldconfig && host_run systemd-sysusers && host_systemctl daemon-reload &&
                host_systemctl enable --now kyron-iod.socket &&
                host_run systemd-sysusers - <<<$'u visitor - "test" - /bin/sh\nu guest - "test" - /bin/sh'
}

host_is_up() {
        local state

        [[ -s $directory/host.pid ]] || return
        host_pid=$(cat "$directory/host.pid")
        state=$(host_systemctl is-system-running 2>/dev/null)
        [[ $state == running || $state == degraded ]]
}

host_stop() {
        [[ -n $host_supervisor ]] || return 0
        kill -TERM "$host_supervisor" 2>/dev/null
        wait "$host_supervisor" 2>/dev/null
        host_supervisor='' host_pid=''
}

host_run() {
        nsenter --target "$host_pid" --mount --pid --net --ipc --uts --cgroup --root --wd \
                env -i PATH="$host_path" LANG=C.UTF-8 "$@"
}

host_run_as() {
        local user=$1
        shift

        host_run setpriv --reuid "$user" --regid "$user" --init-groups --inh-caps=-all \
                --pdeathsig KILL "$@"
}

host_service() {
        local name=$1 user=$2
        shift 2

        # What one of that name has said before is not this one's.
        host_run rm -f "/run/host-$name.out"
        host_run systemd-run --quiet --collect --unit="host-$name" --uid="$user" --gid="$user" \
                --property=Restart=always --property=RestartSec=100ms \
                --property=LimitNOFILE=16384 --property=StartLimitIntervalSec=0 \
                --property=StandardOutput="truncate:/run/host-$name.out" \
                --property=StandardError=journal \
                --setenv=PATH="$host_path" "$@" || fail "the host does not start $name"
}

host_systemctl() {
        host_run systemctl --no-pager "$@"
}

# The daemon's own words, and systemd's on its unit.
host_journal() {
        host_run journalctl --no-pager --quiet --output=short-monotonic --unit="$host_unit"
}

# ---- Questions -----------------------------------------------------------------------------------

host_property() {
        host_systemctl show --property="$1" --value "${2:-$host_unit}"
}

host_is_active() {
        [[ $(host_property ActiveState) == active ]]
}

host_daemon_pid() {
        host_property MainPID
}

# host_says WORDS…: the journal has them, as they are; waits for it, since it is written by others.
host_says() {
        host_await host_has_said "$*"
}

host_has_said() {
        host_journal | grep -qF -- "$1"
}

host_count_said() {
        host_journal | grep -cF -- "$1" || true
}

# host_await CONDITION…: as long as patience lasts.
host_await() {
        local deadline=$((SECONDS + patience))

        until "$@"; do
                ((SECONDS < deadline)) || fail "no \"$*\" within $patience s"
                sleep 0.02
        done
}

# host_write FILE: what comes on standard input.
host_write() {
        # shellcheck disable=SC2016 # for the inner shell
        host_run sh -c 'mkdir -p "$(dirname "$1")" && cat >"$1"' sh "$1" ||
                fail "cannot write $1 in the host"
}

# host_drop_in NAME: lines for the daemon's [Service], from standard input; systemd has read them.
host_drop_in() {
        host_write "/etc/systemd/system/$host_unit.d/$1.conf" <<<"[Service]
$(cat)"
        host_systemctl daemon-reload
}

host_remove_drop_in() {
        host_run rm -f "/etc/systemd/system/$host_unit.d/$1.conf"
        host_systemctl daemon-reload
}

# ---- The end -------------------------------------------------------------------------------------

end_with_host() {
        local status=$?

        if [[ $status -ne 0 && $status -ne 77 && -n $host_pid ]]; then
                echo "the end of what the services have logged:"
                host_run journalctl --no-pager --quiet --output=short-monotonic \
                        --unit="$host_unit" --unit='host-*' | tail -n 60
        fi
        host_stop
        clean_up
        exit "$status"
}
trap end_with_host EXIT
