#!/bin/bash
# init.sh HOST CGROUP PID_FILE: becomes systemd, process 1 of a test host. Run by boot.sh, in
# namespaces of the host's own but for that of cgroups.
set -eu

host=$1 cgroup=$2 pid_file=$3
root=$host/root

if [[ -z ${4:-} ]]; then
        # Its pid out there: /proc is still that of the machine.
        read -r pid _ </proc/self/stat
        # 0 is whoever writes it. A namespace begins where its maker is.
        echo 0 >"$cgroup/cgroup.procs"
        exec unshare --cgroup bash "$0" "$host" "$cgroup" "$pid_file" "$pid"
fi
pid=$4

# systemd-tmpfiles empties these: they must not be the overlay's, which has this machine's below.
for directory in tmp run var/tmp; do
        mount -t tmpfs -o mode=1777 tmpfs "$root/$directory"
done
chmod 755 "$root/run"

# Read-only: sysctls and most of sysfs are this machine's.
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
[[ ! -e $root/proc/sysrq-trigger ]] || mount --bind /dev/null "$root/proc/sysrq-trigger"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"

mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
        : >"$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root"/dev/{pts,shm}
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

# The machine's root is out of reach from here on.
exec 3>"$pid_file.new"
mkdir "$root/run/machine"
cd "$root"
pivot_root . run/machine
echo "$pid" >&3
exec 3>&-
mv "/run/machine$pid_file.new" "/run/machine$pid_file"
umount --lazy /run/machine

# Without the capabilities over what belongs to the whole machine: modules, clock, kernel log, audit.
exec env -i container=kyron-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
        setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-syslog,-audit_control,-audit_read \
        /lib/systemd/systemd --system --unit=basic.target --show-status=no --log-target=journal
