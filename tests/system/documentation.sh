#!/bin/bash
# What the documents say is what the code does: options, limits, errors, frames, names, versions.
# Every difference is reported before the script fails.
set -uo pipefail

source_dir=${KYRON_SOURCE_DIR:-.} build_dir=${KYRON_BUILD_DIR:-.}
differences=0
work=$(mktemp -d "${TMPDIR:-/tmp}/kyron-documentation-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$source_dir" || exit 1

differ() {
        echo "$*"
        differences=$((differences + 1))
}

# same WHAT FILE FILE: two sorted lists.
same() {
        local difference
        difference=$(diff "$2" "$3") || differ "$1 differ (<: only in $2, >: only in $3):
$difference"
}

# text FILE: its words on one line, without the marks of Markdown and scdoc.
text() {
        tr -s '[:space:]' ' ' <"$1" | sed -E 's/[*`\\]//g; s/ [|:][][<=>-]? / /g'
}

# says FILE TEXT
says() {
        grep -qF -- "$2" < <(text "$1") || differ "$1 does not say: $2"
}

# section FILE HEADING: the lines under a heading of a man page, up to the next one.
section() {
        awk -v heading="$2" '/^#+ / { inside = $0 == heading; next } inside' "$1"
}

# block FILE LANGUAGE AFTER: the first code block in that language after the line that has AFTER.
block() {
        awk -v start="^\`\`\`$2\$" -v after="$3" '
                index($0, after) { near = 1 }
                inside && /^```$/ { exit }
                inside { print }
                near && $0 ~ start { inside = 1 }' "$1"
}

# constants: of every source, "FILE NAME VALUE" for each, the value as it is written.
constants() {
        grep -roE --include='*.[ch]' '\b[A-Z][A-Z0-9_]+ = [A-Z0-9_ ()<+*-]+(,| };|$)' core proto daemon client ctl |
                sed -E 's/^([^:]+):([A-Z0-9_]+) = /\1 \2 /; s/(,| };)$//'
}

# Each as a shell variable, computed as C would. One that has several values, each in a file of its own,
# is none.
load_constants() {
        local name value
        local -A values=()

        while read -r _ name value; do
                [[ ${values[$name]-$value} == "$value" ]] || value='not one value'
                values[$name]=$value
        done < <(constants)
        for name in "${!values[@]}"; do
                [[ ${values[$name]} == 'not one value' ]] || declare -g "$name=${values[$name]}"
        done
        for name in "${!values[@]}"; do
                value=$(set +u; echo $((name))) 2>/dev/null && declare -gi "$name=$value"
        done
}

# Whoever changes a limit finds it once: two constants of one side that have one value differ in more
# than their first word, and than in being called a limit. What kyron.h says is said again there.
limits_are_written_once() {
        local twice

        while IFS= read -r twice; do
                differ "a limit is written twice: $twice"
        done < <(constants | grep -v '^client/kyron\.h ' | awk '
                # told(NAME): what one of that name and value was seen as before, in another file.
                function told(name) {
                        name = name " " value
                        if (name in files && files[name] != $1 && files[name] $1 !~ /client.*daemon|daemon.*client/)
                                print $2 " in " $1 ", " names[name] " in " files[name]
                        files[name] = $1
                        names[name] = $2
                }
                $3 ~ /^[0-9(]/ {
                        value = $0
                        sub(/^[^ ]+ [^ ]+ /, "", value)
                        name = $2
                        sub(/LIMIT$/, "MAX", name)
                        told(name)
                        if (sub(/^[A-Z0-9]+_/, "", name) && name ~ /_/)
                                told(name)
                }' | sort -u)
}

# ---- The daemon's command line -------------------------------------------------------------------

options_agree() {
        "$build_dir/kyron-iod" --help | grep -oE -- '--[a-z-]+' | sort -u >"$work/help"
        section man/kyron-iod.8.scd '# OPTIONS' | grep -E '^\*--' | grep -oE -- '--[a-z-]+' |
                sort -u >"$work/page"
        sed -nE 's/^ *\{"([a-z-]+)", (no|required)_argument.*/--\1/p' daemon/config/*.c |
                sort -u >"$work/table"
        sed -nE "/local options='/,/'\$/p" completions/kyron-iod | grep -oE -- '--[a-z-]+' |
                sort -u >"$work/completion"
        same "options: help and man page" "$work/help" "$work/page"
        same "options: help and getopt's table" "$work/help" "$work/table"
        same "options: help and completion" "$work/help" "$work/completion"
}

# ---- Limits --------------------------------------------------------------------------------------

limits_agree() {
        local page=man/kyron-iod.8.scd protocol=man/kyron-iod-protocol.7.scd document
        local sentence=$((FRAME_TEXT_MAX - 1))

        says "$page" "Sessions in all, 1 to 1000000. Default: $OPTIONS_SESSIONS_MAX."
        says "$page" "Sessions of one user, 1 to 1000000. Default: $OPTIONS_SESSIONS_PER_USER_MAX."
        says "$page" "1 to $IO_ID_SLOT_MAX. Default: $OPTIONS_REGISTRATIONS_PER_SESSION_MAX."
        says "$page" "Default: $OPTIONS_REGISTRATIONS_PER_USER_MAX."
        says "$page" "At most $DESCRIPTOR_STORE_MAX descriptors are kept"
        says "$page" "At most $((CONNECTION_STORE_STORES_PER_TICK * 1000 / CONNECTION_STORE_TICK_MS)) a second are stored"
        says "$page" "for $HANDOVER_CHECK_SECONDS seconds at most"
        says systemd/kyron-iod.service.in "FileDescriptorStoreMax=$DESCRIPTOR_STORE_MAX"
        for document in $page README.md; do
                says "$document" "sessions in all $OPTIONS_SESSIONS_MAX "
                says "$document" "sessions of one user $OPTIONS_SESSIONS_PER_USER_MAX "
                says "$document" "new sessions of one user a second $CONFIG_SESSIONS_PER_SECOND "
                says "$document" "registrations of one session $OPTIONS_REGISTRATIONS_PER_SESSION_MAX "
                says "$document" "registrations of one user $OPTIONS_REGISTRATIONS_PER_USER_MAX "
        done
        for document in $page $protocol README.md; do
                says "$document" "bytes of a packet $FRAME_BYTES_MAX "
                says "$document" "seconds until Hello $SESSION_GREETING_SECONDS "
        done
        for document in $protocol README.md; do
                says "$document" "descriptors of a packet $FD_LIST_MAX "
                says "$document" "ids of a packet that are gone, and as many that are taken $FRAME_IDS_MAX "
                says "$document" "entries of Readiness $FRAME_EVENTS_MAX "
        done
        says "$page" "the daemon uses $WATCHES_MAX of them at most"
        says "$page" "unused ids of workers $WORKER_OFFERED_MAX "
        says "$page" "of each session that takes one, $SESSION_PULSES_MAX at most"
        says "$protocol" "of a file in memory of $PULSE_BYTES bytes"
        says "$page" "kept answers may be unread $SESSION_UNREAD_SECONDS "
        says "$page" "ended after $SESSION_UNREAD_SECONDS seconds"
        says "$page" "log lines a second $LOG_LINES_PER_SECOND "
        says "$page" "All users together have $LOG_LINES_PER_SECOND lines a second"
        says "$page" "$LOG_USERS_LINES_MAX lines of users may come at once"
        says "$page" "$LOG_LINES_PER_SECOND a second, and $LOG_DAEMON_LINES_MAX at once, to themselves"
        says "$page" "Lines wait for their reader, $((LOG_USERS_LINES_MAX + LOG_DAEMON_LINES_MAX + 1)) at most"
        says "$page" "systemd goes on reading, $((NOTIFY_SETTLE_MAX_MS / 1000)) seconds at most"
        says "$page" "for one that reads nothing, $((NOTIFY_SETTLE_MS / 1000)) seconds"
        says "$page" "what waits is given $LOG_FLUSH_MS milliseconds more"
        says "$page" "Of a user's holds $HOLD_STORES_AT_ONCE are stored at once, and then $HOLD_STORES_PER_SECOND a second"
        says "$page" "are a user's share of $CLOSER_STRANGERS_KEPT_MAX,"
        says "$page" "have not read why $CLOSER_STRANGERS_KEPT_MAX the user closed without a word"
        says "$page" "beyond the first $SESSIONS_FEW EDQUOT"
        says "$page" "the memory of the machine divided by $((WATCH_MEMORY_PART * WATCH_BYTES))"
        says "$protocol" "SOCK_SEQPACKET, see unix(7), by default _/run/kyron-iod/socket_."
        says "$protocol" "of at most $FRAME_BYTES_MAX bytes"
        says "$protocol" "(SCM_RIGHTS), at most $FD_LIST_MAX."
        says "$protocol" "The daemon waits $SESSION_GREETING_SECONDS seconds"
        says "$protocol" "At most $FRAME_IDS_MAX a packet."
        says "$protocol" "at most $FRAME_EVENTS_MAX entries"
        says "$protocol" "entries of Sessions and Registrations $FRAME_PAGE_MAX "
        says "$protocol" "One page of sessions, at most $FRAME_PAGE_MAX,"
        says "$protocol" "One page of registrations, at most $FRAME_PAGE_MAX,"
        says "$protocol" "at most $PROGRAMS_MAX, and of these $PROGRAMS_PER_USER_MAX that one user brought"
        says "$protocol" "Of the first $METRICS_USER_LOOKS users, the $METRICS_USERS_MAX that have used most"
        says "$protocol" "Listeners, at most $LISTENERS_NAMED_MAX, and of these $LISTENERS_NAMED_PER_USER_MAX of one user's"
        says "$protocol" "bytes of Hello.program $FRAME_PROGRAM_MAX "
        says "$protocol" "at most $FRAME_PROGRAM_MAX bytes of printable ASCII"
        says "$protocol" "bytes of a sentence $sentence "
        says "$protocol" "One sentence for people, at most $sentence bytes."
        says "$protocol" "This is protocol version $FRAME_PROTOCOL_VERSION"
        says "$protocol" "After $IO_ID_GENERATION_MAX comes 1 again."
        says man/libkyron.3.scd "within $((DAEMON_CONNECTION_TIMEOUT_MS / 1000)) seconds"
        says man/libkyron.3.scd "after $PORTION_MAX operations on one descriptor in one turn, $((PORTION_BYTES / 1024)) KiB"
        says man/libkyron.3.scd "name is over $FRAME_PROGRAM_MAX printable characters"

        page=man/kyronctl.1.scd
        says "$page" "more than $SET_READER_DESCRIPTORS_MAX descriptors is not looked into"
        says "$page" "listed within $((DIRECT_WAITS_READ_MS / 1000)) second, since"
        says "$page" "have $((DIRECT_WAITS_USER_MS / 1000)) seconds and $DIRECT_WAITS_USER_ENTRIES_MAX rows"

        service_limits_agree "$protocol"

        says proto/iod.proto "at most $(sed -E 's/...$/,&/' <<<"$FRAME_BYTES_MAX") bytes"
        says proto/iod.proto "At most $FRAME_IDS_MAX a packet."
        says proto/iod.proto "became ready, at most $FRAME_EVENTS_MAX entries."
        says proto/iod.proto "at most $FRAME_PROGRAM_MAX bytes, printable"
        says proto/iod.proto "at most $sentence bytes."
}

# ---- The configuration ---------------------------------------------------------------------------

# Keys and their blocks: as the daemon takes them, in the page, and in the default configuration.
config_agrees() {
        local page=man/kyron-iod.conf.5.scd heading block example=0
        umask 022

        sed -nE 's/^ *\{"(root|listener|policy)", "([a-z0-9-]+)".*/\1 \2/p' daemon/config/*.c |
                sort >"$work/keys"
        for heading in SETTINGS LISTENERS POLICIES; do
                case $heading in
                SETTINGS) block=root ;;
                LISTENERS) block=listener ;;
                POLICIES) block=policy ;;
                esac
                section "$page" "# $heading" | sed -nE "s/^\*([a-z0-9-]+)\* = .*/$block \1/p"
        done | sort >"$work/page"
        same "keys: config_syntax.c and kyron-iod.conf(5)" "$work/keys" "$work/page"
        awk '/^#[a-z]+ "/ { block = substr($1, 2); next }
             /^#}/ { block = "" }
             match($0, /^# *[a-z0-9-]+ = /) {
                     key = substr($0, 2, RLENGTH - 4)
                     gsub(/ /, "", key)
                     print (block == "" ? "root" : block) " " key
             }' conf/kyron-iod.conf | sort >"$work/default"
        same "keys: config_syntax.c and conf/kyron-iod.conf" "$work/keys" "$work/default"

        # A copy: of files that are another user's root's daemon reads none.
        cat conf/kyron-iod.conf >"$work/default.conf"
        check_config "$work/default.conf" conf/kyron-iod.conf
        # With what it has in comments, for a user there is, and a directory without a conf.d.
        sed -E 's/^#([a-z].*|       .*|})$/\1/; s/www-data/root/' "$work/default.conf" >"$work/all.conf"
        check_config "$work/all.conf" "conf/kyron-iod.conf without its comment marks"
        grep -q '^policy "user:root"' "$work/all.conf" ||
                differ "conf/kyron-iod.conf has no policy to try"
        for heading in LISTENERS METRICS POLICIES; do
                section "$page" "# $heading" | awk '/^```$/ { n++; next } n == 1' |
                        sed 's/www-data/root/' >"$work/example.conf"
                [[ -s $work/example.conf ]] && example=$((example + 1))
                check_config "$work/example.conf" "the example in $page, $heading"
        done
        [[ $example -eq 3 ]] || differ "$page has lost its examples"
}

# check_config FILE WHAT
check_config() {
        local sentence
        sentence=$("$build_dir/kyron-iod" --check-config --config "$1" 2>&1) ||
                differ "$2 is not fine: $sentence"
}

config_limits_agree() {
        local page=man/kyron-iod.conf.5.scd

        says "$page" "Sessions in all, 1 to $OPTIONS_SESSIONS_LIMIT. Default: $OPTIONS_SESSIONS_MAX."
        says "$page" "Sessions of one user, 1 to $OPTIONS_SESSIONS_LIMIT, where no policy says otherwise. Default: $OPTIONS_SESSIONS_PER_USER_MAX."
        says "$page" "1 to $OPTIONS_REGISTRATIONS_LIMIT. Default: $OPTIONS_REGISTRATIONS_PER_SESSION_MAX."
        says "$page" "Default: $OPTIONS_REGISTRATIONS_PER_USER_MAX."
        says "$page" "in a second, 1 to $CONFIG_SESSIONS_PER_SECOND_LIMIT."
        says "$page" "costs the others little. Default: $CONFIG_SESSIONS_PER_SECOND."
        says conf/kyron-iod.conf "#max-sessions-per-second = $CONFIG_SESSIONS_PER_SECOND "
        says "$page" "1 to $CONFIG_DESCRIPTORS_LIMIT. Default: $CONFIG_DESCRIPTORS_MAX."
        says "$page" "1 to $CONFIG_SILENT_MS_LIMIT. Default: $CONFIG_SILENT_MS."
        says "$page" "0 to $CONFIG_BACKLOG_LIMIT; 0 is as many"
        says "$page" "Its name has 1 to $LISTENER_NAME_MAX bytes"
        says "$page" "There are $SCRAPES_MAX such connections at a time"
        says "$page" "A request has at most $SCRAPE_REQUEST_MAX bytes and $((SCRAPE_REQUEST_MS / 1000)) seconds to come"
        says "$page" "taken within $((SCRAPE_MS / 1000)) seconds in all"
        says "$page" "Default: $(printf '%04o' "$CONFIG_SOCKET_MODE")."
        says "$page" "Listeners of their own, 0 to 4294967295. Default: $POLICY_LISTENERS_PER_USER_MAX."
        says "$page" "Held descriptors, 0 to 4294967295. Default: $POLICY_HOLDS_PER_USER_MAX."
        says "$page" "Connections being made, 0 to 4294967295. Default: $POLICY_CONNECTS_PER_USER_MAX."
        says conf/kyron-iod.conf "#max-sessions = $OPTIONS_SESSIONS_MAX "
        says conf/kyron-iod.conf "#max-sessions-per-user = $OPTIONS_SESSIONS_PER_USER_MAX "
        says conf/kyron-iod.conf "#max-registrations-per-session = $OPTIONS_REGISTRATIONS_PER_SESSION_MAX "
        says conf/kyron-iod.conf "#max-registrations-per-user = $OPTIONS_REGISTRATIONS_PER_USER_MAX "
        says conf/kyron-iod.conf "#max-descriptors = $CONFIG_DESCRIPTORS_MAX "
}

# grouped NUMBER: 65536 as 65,536.
grouped() {
        sed -E ':again; s/^([0-9]+)([0-9]{3})/\1,\2/; t again' <<<"$1"
}

# Of ready descriptors.
service_limits_agree() {
        local page=$1 name=$LISTENER_NAME_MAX

        says "$page" "entries of Listeners, Groups and Holds $PAGE_MAX "
        says "$page" "entries of Users $USERS_PER_PAGE "
        says "$page" "One page of users, at most $USERS_PER_PAGE,"
        says "$page" "lines of Policies $LINES_PER_PAGE "
        says "$page" "One page of the policies' lines, at most $LINES_PER_PAGE,"
        says "$page" "at most $((LINE_TEXT_MAX - 1)) bytes of it"
        says "$page" "share of the daemon's time now, at most $IN_LINE_MAX."
        says "$page" "One page of listeners, at most $PAGE_MAX,"
        says "$page" "One page of workers, at most $PAGE_MAX,"
        says "$page" "One page of held descriptors, at most $PAGE_MAX,"
        says "$page" "sentences of Reloaded $RELOAD_CHANGES_MAX "
        says "$page" "a sentence each, at most $RELOAD_CHANGES_MAX of them."
        says "$page" "entries of Happened $FRAME_HAPPENINGS_MAX "
        says "$page" "it has not said for $((WORKER_SILENT_MS / 1000)) seconds"
        says proto/iod.proto "A worker has not said for $((WORKER_SILENT_MS / 1000)) seconds"
        says "$page" "What happened, at most $FRAME_HAPPENINGS_MAX entries,"
        says proto/iod.proto "What happened, at most $FRAME_HAPPENINGS_MAX entries,"
        says "$page" "subscriptions, of which each user has a share $TELLER_HEARERS_MAX "
        says "$page" "There are $TELLER_HEARERS_MAX subscriptions at most"
        says "$page" "bytes of what a subscription has not been told $TELLER_RING_BYTES "
        says "$page" "in $((TELLER_RING_BYTES / 1024)) KiB for each subscription"
        says "$page" "connections of a packet $PASSING_PACKET_MAX "
        says "$page" "Connections for a worker, at most $PASSING_PACKET_MAX."
        says "$page" "requests of a Requests $FRAME_REQUESTS_MAX "
        says "$page" "How many requests one Requests may have: $FRAME_REQUESTS_MAX."
        says "$page" "Several requests in one packet, at most $FRAME_REQUESTS_MAX."
        says "$page" "answers of a packet $FRAME_PACKET_ANSWERS_MAX "
        says "$page" "Several answers in one packet, at most $FRAME_PACKET_ANSWERS_MAX,"
        says "$page" "descriptors of these $FRAME_ANSWERS_DESCRIPTORS_MAX "
        says "$page" "at most $FRAME_ANSWERS_DESCRIPTORS_MAX, are in the packet"
        says proto/iod.proto "Several requests in one packet, at most $FRAME_REQUESTS_MAX."
        says proto/iod.proto "Several answers in one packet, at most $FRAME_PACKET_ANSWERS_MAX,"
        says proto/iod.proto "at most $FRAME_ANSWERS_DESCRIPTORS_MAX descriptors"
        says "$page" "unused ids of a worker $FRAME_OFFERED_MAX "
        says "$page" "At most $FRAME_OFFERED_MAX may be unused"
        says "$page" "unused ids of all users' workers, of which each has a share $WORKER_OFFERED_MAX "
        says "$page" "answers waiting for a client $DELIVERY_ANSWERS_MAX "
        says "$page" "while $DELIVERY_ANSWERS_MAX answers wait"
        says "$page" "requests of a session that wait for something $LATE_REQUESTS_MAX "
        says "$page" "bytes of these of all users $SESSIONS_LATE_BYTES_MAX "
        says "$page" "endpoints of a session $WORKER_PER_SESSION_MAX "
        says "$page" "drains that a session waits for $DRAIN_PER_SESSION_MAX "
        says "$page" "drains that one user's sessions wait for $DRAIN_PER_USER_MAX "
        says "$page" "A session may wait for $DRAIN_PER_SESSION_MAX drains, and all sessions of a user for $DRAIN_PER_USER_MAX."
        says "$page" "weight of a worker $WORKER_WEIGHT_MAX "
        says "$page" "0: 1. At most $WORKER_WEIGHT_MAX."
        says "$page" "silent connections of a listener $LISTENER_SILENT_MAX "
        says "$page" "bytes of a listener's name $name "
        says "$page" "The listener's name, 1 to $name bytes"
        says "$page" "bytes of a hold's name $HOLD_NAME_MAX "
        says "$page" "1 to $HOLD_NAME_MAX bytes of printable ASCII without blanks. Each user"
        says "$page" "bytes of a note $FRAME_NOTE_MAX "
        says "$page" "Bytes of the note, at most $FRAME_NOTE_MAX."
        says "$page" "KiB of memory of a note $((NOTE_STORAGE_MAX / 1024)) "
        says "$page" "days of a hold $HOLD_DAYS_MAX "
        says "$page" "from 1 to $HOLD_DAYS_MAX days."
        says "$page" "milliseconds of a Connect $CONNECTOR_TIMEOUT_MAX_MS "
        says "$page" "included. 0: $CONNECTOR_TIMEOUT_MS. At most $CONNECTOR_TIMEOUT_MAX_MS."
        says "$page" "addresses tried of a name $CONNECT_ADDRESSES_MAX "
        says "$page" "as RFC 8305 says, at most $CONNECT_ADDRESSES_MAX of them."
        says "$page" "milliseconds of silence $CONFIG_SILENT_MS_LIMIT "
        says "$page" "so many milliseconds. 0: $CONFIG_SILENT_MS. At most $CONFIG_SILENT_MS_LIMIT."
        says "$page" "seconds of keeping a listener $KEEP_SECONDS_MAX "
        says "$page" "session ended. 0: $CONFIG_KEEP_SECONDS. At most $KEEP_SECONDS_MAX."

        page=README.md
        says "$page" "listeners of one user's own $POLICY_LISTENERS_PER_USER_MAX "
        says "$page" "held descriptors of one user $POLICY_HOLDS_PER_USER_MAX "
        says "$page" "connects of one user under way $POLICY_CONNECTS_PER_USER_MAX "
        says "$page" "descriptors kept for clients $CONFIG_DESCRIPTORS_MAX "
        says "$page" "connections offered to one worker $FRAME_OFFERED_MAX "
        says "$page" "bytes of a note $FRAME_NOTE_MAX "

        page=proto/iod.proto
        says "$page" "included; 0: $(grouped "$CONNECTOR_TIMEOUT_MS"). At most $(grouped "$CONNECTOR_TIMEOUT_MAX_MS")."
        says "$page" "so many milliseconds; 0: $(grouped "$CONFIG_SILENT_MS")."
        says "$page" "session ended; 0: $CONFIG_KEEP_SECONDS."
        says "$page" "weight 1; 0: 1. At most $WORKER_WEIGHT_MAX."
        says "$page" "each for one. At most $(grouped "$FRAME_OFFERED_MAX") unused"
        says "$page" "Connections for a worker, at most $PASSING_PACKET_MAX,"
        says "$page" "As TakeListener: 1 to $name bytes"
        says "$page" "1 to $HOLD_NAME_MAX bytes of printable"
        says "$page" "Bytes of the note, at most $(grouped "$FRAME_NOTE_MAX");"
}

# ---- The wire ------------------------------------------------------------------------------------

# Every run of fields begins with a comment, and so does every message.
proto_is_commented() {
        local uncommented

        uncommented=$(awk '
                /^ *\/\// || /^ *oneof / { commented = 1; next }
                /^ *[a-zA-Z0-9 ]+ [a-z0-9_]+ = [0-9]+/ && !commented { print FILENAME ":" FNR ": " $0 }
                /^message / { if (!commented) print FILENAME ":" FNR ": " $0; commented = 0 }
                /^ *(}.*)?$/ { commented = 0 }' proto/iod.proto)
        [[ -z $uncommented ]] || differ "without a comment: $uncommented"
}

# Each field as the protocol's page writes it, under its message's heading.
fields_agree() {
        local page=man/kyron-iod-protocol.7.scd

        awk '/^message / { message = $2 }
             match($0, /[a-z0-9_]+ = [0-9]+/) && !/^ *\/\// {
                     name = substr($0, RSTART, RLENGTH)
                     type = substr($0, 1, RSTART - 1)
                     gsub(/^ +| +$/, "", type)
                     if (/packed = true/)
                             type = type ", packed"
                     print message ": " name ", " type
             }' proto/iod.proto | sort >"$work/proto"
        awk '/^## / { message = $2; messages = 1 }
             /^# / && messages { exit }
             messages && /^\*[a-z0-9_]+\* = [0-9]+, / {
                     gsub(/\*|\+\+$/, "")
                     print message ": " $0
             }' "$page" | sort >"$work/page"
        same "fields: iod.proto and kyron-iod-protocol(7)" "$work/proto" "$work/page"
}

# Of every frame from clients the page says who may send it; test_authorisation_matrix tries it.
requests_have_their_users() {
        awk '/^ *\/\/ client → daemon/ { inside = 1; next }
             /^ *\/\/ daemon → client/ { inside = 0 }
             inside && NF { print $1 }' proto/iod.proto | sort >"$work/proto"
        section man/kyron-iod-protocol.7.scd '# AUTHORISATION' |
                sed -nE 's/^\|  ([A-Za-z]+).*/\1/p' | sort -u >"$work/page"
        same "requests: iod.proto and AUTHORISATION in kyron-iod-protocol(7)" "$work/proto" "$work/page"
}

# What the page calls the kinds of descriptors, "unknown" aside: that one is never told.
kinds_agree() {
        sed -nE 's/^ *\[DESCRIPTOR_KIND_[A-Z_]+\] = "(.*)",$/\1/p' daemon/driver/*.c |
                grep -vx unknown | sort >"$work/code"
        awk '/^\*kind\* =/ { near = 1; next } near && /^$/ { exit } near' man/kyron-iod-protocol.7.scd |
                tr -s '[:space:]' ' ' | sed 's/.*descriptor: //; s/([^)]*)//; s/[., ]/\n/g' |
                sed '/^$/d' | sort >"$work/page"
        same "kinds: descriptor_kind.c and kyron-iod-protocol(7)" "$work/code" "$work/page"
}

# The sentences that the daemon may send, with its placeholders, are all in the page. Quotation marks
# within one are ' there.
sentences_are_documented() {
        local file call sentence
        local any
        # What is said when the daemon starts, goes on in another life, or reads its configuration, or is
        # put together with more; and of what the request was refused for before.
        local for_operators='daemon/main.c|daemon/@(restart|server|store)/*|daemon/loop/loop.c'
        for_operators+='|daemon/config/@(config*|options|policy_rule).c'
        for_operators+='|daemon/*/*_@(record|store).c|daemon/process/@(inherited|service_manager|system_calls).c'
        for_operators+='|daemon/session/daemon_socket.c|core/@(address*|private_directory|sealed_bytes).c'
        local elsewhere='no descriptor for what has to wait|no memory for the (connector|resolver|name|holds|loop)|a name server is ADDRESS'
        elsewhere+='|only (tcp|udp): addresses|udp: addresses are bound|is needed, not the name'
        elsewhere+='|no descriptor for what has to wait|a note of 0 bytes|bytes was announced and did not come|the path leads elsewhere'
        elsewhere+='|it does not listen any more|has another one.s number'

        text man/kyron-iod-protocol.7.scd | sed 's/ *"/"/g' >"$work/page"
        for file in core/*.c proto/*.c daemon/*.c daemon/*/*.c; do
                while read -r call; do
                        # Of those files', this alone reaches a client.
                        [[ $file != @($for_operators) || $call =~ ESHUTDOWN ]] || continue
                        [[ ! $call =~ $elsewhere ]] || continue
                        # The words between the quotes; a placeholder is any one word, or some
                        # where the code has words to choose from.
                        any='[^ ]+'
                        [[ $call != *'? "'* ]] || any='[^"]+'
                        sentence=$(sed -E "s/\\\\\"/'/g; s/\\\\\\\\//g"'
                                s/^error_set\([^,]*, (("[^"]*" ?)+).*/\1/; s/" "//g; s/["*]//g
                                s/ *$//; s/[].[()]/\\&/g
                                s/%[#.\\0-9a-z]*(u|d|s|x)/'"$any"'/g' <<<"$call")
                        [[ $sentence == *"is over the limit of"* ]] && continue # its own mistake
                        [[ $sentence == *[a-z]* ]] || continue # put together, see below
                        grep -qE -- "\"$sentence\"" "$work/page" ||
                                differ "kyron-iod-protocol(7) lacks a sentence of $file: $sentence"
                done < <(tr -s '[:space:]' ' ' <"$file" | grep -oE 'error_set\([^;]*;')
        done
}

# Those of policies are put together from these.
policy_sentences_are_documented() {
        local page=man/kyron-iod-protocol.7.scd action actions=0 part parts=0

        says "$page" "\"uid N may not listen on ADDRESS: not in policy WORD\""
        while IFS= read -r part; do
                says "$page" "$part"
                parts=$((parts + 1))
        done < <(sed -nE 's/^ *static const char (none|not_in)\[\] = "(.*[^ ]) *";$/\2/p' daemon/config/*.c)
        while read -r action; do
                grep -qE -- "may not $action|with .*_?$action" "$work/page" ||
                        differ "$page does not say: may not $action"
                actions=$((actions + 1))
        done < <(grep -ohE '\{"[a-z]+", "[a-z ]+"\}' daemon/config/policy*.c | sed -E 's/.*, "(.*)"\}/\1/')
        [[ $parts -eq 2 && $actions -eq 6 ]] || differ "a policy's sentences are put together otherwise"
}

# ---- The library ---------------------------------------------------------------------------------

functions_agree() {
        local library=$build_dir/.libs/libkyron.so

        tr '\n' ' ' <client/kyron.h | sed -E 's@/\*([^*]|\*+[^*/])*\*+/@@g' | tr ';' '\n' |
                sed -nE 's/^.*KYRON_PUBLIC [^(]*\b(kyron_[a-z0-9_]+)\(.*/\1/p' |
                sort >"$work/header"
        sed -nE 's/^ *(kyron_[a-z0-9_]+);.*/\1/p' client/libkyron.map | sort >"$work/map"
        same "functions: kyron.h and libkyron.map" "$work/header" "$work/map"
        if [[ ! -e $library ]]; then
                echo "no shared libkyron was built: its symbols are not looked at"
                return
        fi
        nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
                sort >"$work/library"
        same "functions: kyron.h and libkyron.so" "$work/header" "$work/library"
}

# What the documents call by its name is there; other loops' names are not ours to check.
names_exist() {
        local document name

        for document in README.md ARCHITECTURE.md CONTRIBUTING.md man/libkyron.3.scd; do
                while read -r name; do
                        grep -qxF "$name" "$work/header" ||
                                differ "$document names $name(), which kyron.h has not"
                done < <(grep -oE '\bkyron_[a-z0-9]+_[a-z0-9_]+[a-z0-9]\b' "$document" | sort -u)
        done
        for document in ARCHITECTURE.md CONTRIBUTING.md README.md; do
                # shellcheck disable=SC2016 # backquotes of Markdown
                while read -r name; do
                        grep -rqwF -- "${name//\`/}" core proto daemon client waits ctl examples tests ||
                                differ "$document names $name, which is nowhere in the code"
                done < <(grep -oE '`[a-z][a-z0-9]*_[a-z0-9_]+`' "$document" |
                        grep -vE '^`(epoll|event|evtimer|uv)_' | sort -u)
                while read -r name; do
                        [[ -e $name ]] || differ "$document names $name, which is not there"
                done < <(grep -oE '\b(core|proto|daemon|client|waits|ctl|tests|examples|systemd|conf|man|completions)/[a-z0-9_/.-]+\.[a-z0-9]+\b' \
                        "$document" | grep -vE 'NAME|man/[a-z-]+\.[0-9]$' | sort -u)
        done
}

# Each invariant's tests are in the programs they are said to be in.
invariants_have_their_tests() {
        local file='' name

        # shellcheck disable=SC2016 # backquotes of Markdown
        while read -r name; do
                case $name in
                tests/*) file=$name ;;
                *_*)
                        [[ $file != *.c ]] || grep -qF "START_TEST($name)" "$file" ||
                                differ "ARCHITECTURE.md names $name of $file, which has no such test"
                        ;;
                esac
        done < <(section ARCHITECTURE.md '## Invariants' | grep -oE '`[a-z][a-z0-9_/.-]+`' | tr -d '`')
}

# As CONTRIBUTING.md says: otherwise a suite is not run, or not found by its name.
suites_are_built() {
        local file name

        while read -r file; do
                name=$(basename "$file" .c)
                grep -qE "^TEST_SUITE\\($name\\)" "$file" || differ "$file has no suite $name"
                grep -qE "^\s*${file%.c}(\.c)?( |$)" tests/local.mk tests/unit/local.mk ||
                        differ "$file is in no local.mk"
        done < <(find tests/unit tests/integration -name 'test_*.c')
}

# ---- Programs in the documents -------------------------------------------------------------------

first_program_agrees() {
        local lines

        block README.md c examples/first_program.c >"$work/program"
        diff -q "$work/program" examples/first_program.c ||
                differ "README.md's first program is not examples/first_program.c"
        lines=$(grep -c . examples/first_program.c)
        [[ $lines -le 30 ]] || differ "examples/first_program.c has $lines lines, not 30 at most"
}

# libkyron(3)'s example is a program, and fits a page.
example_compiles() {
        local program=$work/example.c

        section man/libkyron.3.scd '# EXAMPLE' | awk '/^```$/ { n++; next } n == 1' |
                sed 's/\\\\/\\/g' >"$program"
        "${CC:-cc}" -Wall -Wextra -Werror -Iclient -fsyntax-only "$program" ||
                differ "libkyron(3)'s example does not compile"
        awk 'length > 69 { print; long = 1 } END { exit long }' "$program" ||
                differ "libkyron(3)'s example does not fit 80 columns"
}

# ---- Metrics -------------------------------------------------------------------------------------

# What is told, kyronctl(1) lists, with the ends of counters.
metrics_agree() {
        local page=man/kyronctl.1.scd name

        awk '/"kyron_iod_[a-z_]+"/ {
                     match($0, /kyron_iod_[a-z_]+/)
                     name = substr($0, RSTART, RLENGTH)
                     counts = $0 ~ /COUNTER/
                     while (!counts && $0 !~ /GAUGE|histogram|write_number/ && getline > 0)
                             counts = $0 ~ /COUNTER/
                     print name (counts ? "_total" : "")
             }' proto/metrics_text.c ctl/metrics.c | sort -u >"$work/code"
        section "$page" '# METRICS' | grep -oE '\*kyron_iod_[a-z_]+\*' | tr -d '*' | sort -u >"$work/page"
        same "metrics: metrics_text.c and kyronctl(1)" "$work/code" "$work/page"
        # What a histogram is told by, too.
        sed -nE 's/_seconds$/&_bucket/p' "$work/code" >>"$work/page"
        while read -r name; do
                grep -qxF "$name" "$work/page" || differ "examples/prometheus/ names $name, which is not told"
        done < <(grep -ohE 'kyron_iod_[a-z_]+' examples/prometheus/* | sort -u)
        python3 -c 'import json, sys; json.load(open(sys.argv[1]))' \
                examples/prometheus/kyron-iod.dashboard.json || differ "the dashboard is no JSON"
}

# ---- Versions and links --------------------------------------------------------------------------

versions_agree() {
        local version
        version=$(sed -nE 's/^AC_INIT\(\[kyron-iod\], \[(.*)\]\)$/\1/p' configure.ac)

        says client/kyron.h "#define KYRON_VERSION \"$version\""
        [[ $(sed -nE 's/^## ([0-9.]+).*/\1/p' NEWS.md | head -n1) == "$version" ]] ||
                differ "NEWS.md does not begin with $version"
        [[ $("$build_dir/kyron-iod" --version) == "kyron-iod $version" ]] ||
                differ "kyron-iod --version does not say $version"
}

links_lead_somewhere() {
        local document link

        for document in *.md; do
                while read -r link; do
                        [[ -e $link ]] || differ "$document has a link to $link, which is not there"
                done < <(grep -oE '\]\([^)#:]+\)' "$document" | sed 's/^](//; s/)$//')
        done
}

load_constants
limits_are_written_once
options_agree
limits_agree
config_agrees
config_limits_agree
proto_is_commented
fields_agree
requests_have_their_users
kinds_agree
sentences_are_documented
policy_sentences_are_documented
functions_agree
names_exist
invariants_have_their_tests
suites_are_built
first_program_agrees
example_compiles
metrics_agree
versions_agree
links_lead_somewhere
[[ $differences -eq 0 ]] || {
        echo "$differences differences"
        exit 1
}
echo "the documents agree with the code"
