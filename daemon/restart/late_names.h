/*
 * LateNames: the users and groups of policies that nobody knew when the configuration was read:
 * they are looked up again, for a name service may come up later than the daemon does.
 *
 * Asked after a second at first, and then each time after twice as long, a minute at most; on a
 * thread, for it may take long. Found, their policies are in force at once. A reload asks anyway,
 * and begins this anew.
 *
 * Owned by the daemon, single-threaded but for the asking.
 */
#pragma once

#include <stdint.h>

typedef struct Daemon Daemon;
typedef struct LateNames LateNames;

enum {
        LATE_NAMES_FIRST_MS = 1000,
        LATE_NAMES_MS = 60000,
};

/* 0 or -ENOMEM with error_text(). */
int late_names_open(Daemon *daemon);
void late_names_close(Daemon *daemon);

/* Another configuration is in force. */
void late_names_begin(Daemon *daemon);
