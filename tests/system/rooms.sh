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

# ---- It finds what it should, in a copy with one thing wrong --------------------------------------

work=$(mktemp -d "${TMPDIR:-/tmp}/kyron-rooms-XXXXXX")
trap 'rm -rf "$work"' EXIT
tree=$work/tree objects=$work/objects table=$work/tree/ARCHITECTURE.md missed=0

mkdir "$objects"
(cd "$build" && find core proto daemon client waits -name '*.o' -print0 | tar -cf - --null -T -) |
        tar -xf - -C "$objects"

fresh_tree() {
        rm -rf "$tree"
        mkdir "$tree"
        (cd "$source_dir" && find core proto daemon client waits ctl examples bench tests ARCHITECTURE.md .clang-tidy \
                '(' -name '*.[ch]' -o -name '*.m[dk]' -o -name .clang-tidy ')' -print0 |
                tar -cf - --null -T -) | tar -xf - -C "$tree"
        chmod -R u+w "$tree"
}

# finds MESSAGE: the copy has that fault and no other. Then its sources are as before.
finds() {
        local said
        said=$(rooms "$tree" "$objects")
        if [[ $said != "$1" ]]; then
                printf 'it should have said\n%s\nand said\n%s\n' "$1" "$said"
                missed=$((missed + 1))
        fi
        fresh_tree
}

# row ROOM: where its row is; other tables come after.
row() {
        echo "ARCHITECTURE.md:$(grep -m1 -nF "| \`$1\` |" "$table" | cut -d: -f1)"
}

# let_use ROOM OTHER: its row has one room more.
let_use() {
        sed -i "\\~^| .$1. |~s~ |\$~, $2 |~" "$table"
}

fresh_tree
echo '#include "daemon/session/session.h"' >>"$tree/daemon/process/log.c"
finds "daemon/process/log.c:$(wc -l <"$tree/daemon/process/log.c"): includes daemon/session/session.h, but daemon/process/ may not use daemon/session/"

cat >"$tree/daemon/store/made_up.c" <<'END'
void closer_push(void);
void made_up(void);
void made_up(void)
{
        closer_push();
}
END
"${CC:-cc}" -c -o "$objects/daemon/store/made_up.o" "$tree/daemon/store/made_up.c" || exit 1
finds "daemon/store/made_up.c: calls closer_push() of daemon/closing/closer.c, but daemon/store/ may not use daemon/closing/"
rm "$objects/daemon/store/made_up.o"

cat >"$tree/daemon/store/made_up.c" <<'END'
void event_new(void);
void made_up(void);
void made_up(void)
{
        event_new();
}
END
"${CC:-cc}" -c -o "$objects/daemon/store/made_up.o" "$tree/daemon/store/made_up.c" || exit 1
finds "daemon/store/made_up.c: calls event_new(): events are made by loop_event_new()"
rm "$objects/daemon/store/made_up.o"

let_use proto/ ctl
finds "$(row proto/): proto/ may use ctl/, which does not stand below it: the rooms form a circle"

let_use client/handle/ daemon/process
finds "$(row client/handle/): client/handle/ may use daemon/process/, but neither side may know the other"

let_use ctl/ daemon/daemon.h
finds "$(row ctl/): ctl/ may use daemon/daemon.h, but that is for daemon/server/, daemon/requests/, daemon/restart/, daemon/main.c alone"

let_use daemon/session/ connect
finds "$(row daemon/session/): daemon/session/ may use daemon/connect/, and does not: take it out"

let_use daemon/store/ attic
finds "$(row daemon/store/): daemon/store/ may use attic, which has no row"

# shellcheck disable=SC2016 # backquotes of Markdown
sed -i 's#^| .core/. |.*#&\n| `core/attic/` | what is made up | |#' "$table"
finds "$(row core/attic/): core/attic/ has no files"

mkdir "$tree/daemon/attic"
touch "$tree/daemon/attic/attic.c"
finds "daemon/attic/attic.c is in no room of ARCHITECTURE.md's"

mkdir "$tree/tests/unit/attic"
touch "$tree/tests/unit/attic/test_attic.c"
finds "tests/unit/attic/test_attic.c is of no room, nor in tests/unit/kernel/ or support/"

rm "$tree/daemon/store/local.mk"
finds "daemon/store/ has no local.mk"

rule=$(sed -n 's#^| .daemon/store/. | \(.*\) | .* |$#\1#p' "$table")
sed -i 's#^ \* daemon/store/: #&not #' "$tree"/daemon/store/*.h
finds "one header of daemon/store/ begins with \"daemon/store/: $rule.\""

touch "$tree/core/utf8.h"
finds ".clang-tidy: HeaderFilterRegex does not match core/utf8.h"

[[ $missed -eq 0 ]] || exit 1
echo "every room keeps to its row"
