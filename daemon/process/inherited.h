/*
 * Inherited: what whoever started the daemon left in its process, and what the daemon makes of it,
 * so that it serves alike whoever that was.
 *
 *   signals       have their default effect and reach it, but for those that the daemon ignores:
 *                 SIGPIPE, SIGXFSZ; and SIGHUP and SIGUSR2 until its loop takes them
 *   timers        are stopped
 *   descriptors   0 to 2 are occupied; others are closed where the daemon leaves for the
 *                 background, and stay in the foreground: a lock may be meant for the daemon's life
 *   umask         nobody else's, whatever is made; what others may use gets its mode by name
 *   file sizes    as large as the hard limit allows
 *   stack         likewise, up to what a system has by default
 *
 * Niceness, scheduling policy, working directory, environment and the other limits are who started
 * it's to choose, and stay.
 */
#pragma once

#include <stdbool.h>

enum {
        /* Of the stack. */
        INHERITED_STACK_MIN = 1024 * 1024,
};

/* Before anything is opened. keep_blocked: SIGTERM and SIGINT go on being blocked if they are, for
 * whoever was in this process before has handed over. 0, or -errno with error_text(). */
int inherited_reset(bool keep_blocked);

/* Closes all descriptors from first on. 0, or -errno with error_text(). */
int inherited_close(int first);
