#!/bin/bash
# No room of the source uses another but those that ARCHITECTURE.md's table allows it, and what does
# is named: see rooms.py. `bash tests/system/rooms.sh --list` lists what is against the table, and
# --uses what each room uses.
set -u

source_dir=${KYRON_SOURCE_DIR:-$(dirname "$(readlink -f "$0")")/../..}
source_dir=$(readlink -f "$source_dir")
build=${KYRON_BUILD_DIR:-$source_dir/build/plain}

# The reason is the last line.
for program in python3 nm; do
        command -v "$program" >/dev/null && continue
        echo "$program is not here"
        exit 77
done

rooms() {
        python3 -B "$source_dir/tests/system/rooms.py" "$@"
}

if [[ $# -gt 0 ]]; then
        rooms "$1" "$source_dir" "$build"
        exit
fi
rooms "$source_dir" "$build" || exit 1

# ---- It finds what it should, in a copy with one thing wrong -------------------------------------

work=$(mktemp -d "${TMPDIR:-/tmp}/kyron-rooms-XXXXXX")
trap 'rm -rf "$work"' EXIT
tree=$work/tree objects=$work/objects missed=0

fresh_copy() {
        rm -rf "$tree" "$objects"
        mkdir "$tree" "$objects"
        (cd "$source_dir" && find core proto daemon client ctl examples bench tests ARCHITECTURE.md \
                .clang-tidy -name '*.[ch]' -o -name '*.m[dk]' -o -name .clang-tidy |
                tar -cf - -T -) | tar -xf - -C "$tree"
        (cd "$build" && find core proto daemon client -name '*.o' | tar -cf - -T -) |
                tar -xf - -C "$objects"
        chmod -R u+w "$work"
}

# finds MESSAGE: the copy has that fault, and no other.
finds() {
        local said
        said=$(rooms "$tree" "$objects")
        if [[ $said != "$1" ]]; then
                printf 'it should have said\n%s\nand said\n%s\n' "$1" "$said"
                missed=$((missed + 1))
        fi
        fresh_copy
}

# The programs' objects are not in the copy, nor is what ctl and bench use of them.
fresh_copy
sed -i '1i #include "daemon/session/session.h"' "$tree/daemon/process/log.c"
finds "daemon/process/log.c:1: includes daemon/session/session.h, but daemon/process/ may not use daemon/session/"

exit $((missed > 0))
