#!/bin/bash
# boot.sh DIRECTORY BUILD_DIR PREFIX [PROGRAM…]: makes a test host and stays for as long as it runs;
# run by host.sh, in a mount namespace of its own. Exits with 1 where the build is at fault, and with
# 77 where this machine can have no host: then the last line says why.
#
# DIRECTORY/host is a tmpfs that only this namespace sees: the overlay with all that the host writes,
# and this machine's root below it. DIRECTORY/host.pid is made when there is a process 1.
set -u

directory=$1 build=$2 prefix=$3
shift 3
programs=("$@")
here=$(cd "$(dirname "$0")" && pwd)
host=$directory/host
root=$host/root
host_process='' # unshare, which takes process 1 with it

cannot() {
        echo "$*"
        exit 77
}

# shellcheck disable=SC2317 # it is a trap
clean_up() {
        if [[ -n $host_process ]]; then
                kill -KILL "$host_process" 2>/dev/null
                wait "$host_process" 2>/dev/null
        fi
        [[ -n ${cgroup:-} ]] || return
        # The last processes may still be on their way out.
        for _ in {1..100}; do
                find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
                [[ -d $cgroup ]] || break
                sleep 0.05
        done
}
trap clean_up EXIT
trap 'exit 0' TERM INT HUP

# ---- A root of its own ---------------------------------------------------------------------------

mkdir -p "$host"
mount -t tmpfs -o mode=755 tmpfs "$host" || cannot "no tmpfs can be mounted"
mkdir "$host"/{upper,work,root,cgroup}
mount -t overlay -o "lowerdir=/,upperdir=$host/upper,workdir=$host/work" overlay "$root" ||
        cannot "no overlay of / can be mounted"
mount -t cgroup2 cgroup2 "$host/cgroup" || cannot "cgroup2 cannot be mounted"
own=$(sed -n 's/^0:://p' /proc/self/cgroup)
cgroup=$host/cgroup${own%/}/kyron-test-host.$$
mkdir "$cgroup" || cannot "no cgroup can be made"

# Nothing of how this machine is set up: no services, no timers, no mounts, no names of its own.
rm -rf "$root"/etc/{systemd,fstab,crypttab,hostname,machine-id,resolv.conf,kyron-iod}
mkdir -p "$root"/etc/systemd/{system,journald.conf.d}
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
echo kyron-test-host >"$root/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n' \
        >"$root/etc/systemd/journald.conf.d/test.conf"

# ---- What is tested ------------------------------------------------------------------------------

# One at a time: an installation may build what is missing.
install_build() {
        env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL flock "$build/config.status" \
                make -s -C "$build" --no-print-directory install DESTDIR="$root"
}

install_build >"$host/install.log" 2>&1 || {
        tail "$host/install.log"
        exit 1
}
mkdir -p "$root$prefix/libexec/kyron-test"
for program in "${programs[@]}"; do
        "$build/libtool" --silent --mode=install install "$build/$program" \
                "$root$prefix/libexec/kyron-test/" || exit 1
done

# ---- Its process 1 -------------------------------------------------------------------------------

# SIGKILL of this shell's must not leave it behind either.
setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --net --ipc --uts \
        bash "$here/init.sh" "$host" "$cgroup" "$directory/host.pid" </dev/null &
host_process=$!
wait "$host_process"
cannot "the host ended with status $?"
