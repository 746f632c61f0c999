/*
 * Names of what the daemon has: of its listeners, and of the descriptors it holds. One rule for
 * each, whoever gives the name.
 *
 * A listener's is written in configurations, policies and command lines, where quotes and \ would
 * have to be quoted and * stands for any ending. A hold's is its user's own affair.
 */
#pragma once

enum {
        /* Bytes, without a zero. */
        LISTENER_NAME_MAX = 63,
        HOLD_NAME_MAX = 64,
};

/* 1 to LISTENER_NAME_MAX bytes of printable ASCII without blanks, quotes, \ and *. 0, or -EINVAL
 * with error_text() that fits on the wire. */
int name_check_listener(const char *name);
/* 1 to HOLD_NAME_MAX bytes of printable ASCII without blanks. As above. */
int name_check_hold(const char *name);
