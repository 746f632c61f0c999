# shellcheck shell=bash
# Network namespaces for tests and the demo: an outer one with lo up, and in it processes without
# rights, each in a namespace of its own where nothing is up. Sourced.
#
# Root makes them as they are. Others make a user namespace first, if they may: then the
# only user in it is its root, who is the caller outside, and unprivileged is who has no capability.

# namespaces_are_missing: why there can be none; nothing if there can.
namespaces_are_missing() {
        local program

        for program in unshare setpriv ip; do
                command -v "$program" >/dev/null || {
                        echo "no network namespaces: $program is not here"
                        return
                }
        done
        outer_namespace_flags >/dev/null ||
                echo "no network namespaces: $(id -un) may make none, and no user namespaces either"
}

# What unshare needs to be told by this user.
outer_namespace_flags() {
        local flags

        for flags in --net --map-root-user; do
                [[ $flags == --map-root-user || $EUID -eq 0 ]] || continue
                if unshare "$flags" --net unshare --net true 2>/dev/null; then
                        echo "$flags"
                        return
                fi
        done
        return 1
}

# run_in_outer_namespace COMMAND…
run_in_outer_namespace() {
        local flags

        flags=$(outer_namespace_flags) || return
        KYRON_OUTER_NAMESPACE=$flags unshare "$flags" --net "$@"
}

# ---- In the outer namespace ----------------------------------------------------------------------

# prepare_outer_namespace: lo is up, and the array unprivileged is what a program is run by in a
# network namespace of its own, with lo down, and without rights: as user_name. So is stranger, as
# another user, or empty where there is only one.
prepare_outer_namespace() {
        if [[ $KYRON_OUTER_NAMESPACE == --net ]]; then
                user_name=$(id -nu 65534) || user_name=65534
                unprivileged=(unshare --net setpriv --reuid=65534 --regid=65534 --clear-groups)
                stranger=(unshare --net setpriv --reuid=65533 --regid=65533 --clear-groups)
        else
                user_name=$(id -nu)
                unprivileged=(unshare --net setpriv --inh-caps=-all --bounding-set=-all)
                stranger=()
        fi
        export user_name unprivileged stranger
        ip link set lo up
}

# copy_programs BUILD_DIR DIRECTORY: what is to be run, for whoever cannot reach the build's folder.
copy_programs() {
        local program libraries=("$1"/.libs/libkyron.so.[0-9])

        for program in echo_server echo_load; do
                if [[ -x $1/examples/.libs/$program ]]; then
                        cp "$1/examples/.libs/$program" "$2"
                else
                        cp "$1/examples/$program" "$2"
                fi
        done
        [[ ! -e ${libraries[0]} ]] || cp "${libraries[@]}" "$2"
        export LD_LIBRARY_PATH=$2${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}
