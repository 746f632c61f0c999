/*
 * Putting a configuration in force that was read (reload.h): first what is new in it is opened, and
 * if that cannot be nothing has changed; then all of it counts at once.
 *
 * The path of a new Unix listener is opened on a thread. One that has not been after
 * RELOAD_OPEN_MS is late: the rest counts without it, and it is there when it is.
 */
#pragma once

#include "daemon/config/config.h"

typedef struct Daemon Daemon;
typedef struct ReloadApply ReloadApply;

enum { RELOAD_OPEN_MS = 1000 };

/* Opens what is new. 0, and it can be ended at once; 1 and opened is called, once, and then it can;
 * or -errno with error_text(), and nothing has come of it. config is the caller's still. */
int reload_apply_begin(ReloadApply **out, Daemon *daemon, const Config *config,
                       void (*opened)(void *data), void *data);
/* tell is given a sentence for each difference. 0, and the configuration is the daemon's; or -errno
 * with error_text(), and nothing has changed. */
int reload_apply_end(ReloadApply *apply, Config *config,
                     void (*tell)(void *data, const char *sentence), void *data);
/* Closes what was opened. Returns NULL. */
ReloadApply *reload_apply_undo(ReloadApply *apply);

/* What users may have by the policy, which has changed. */
void reload_refresh_limits(Daemon *daemon);
