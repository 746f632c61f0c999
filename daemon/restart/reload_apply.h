/*
 * Putting a configuration in force that was read (reload.h).
 */
#pragma once

#include "daemon/config/config.h"

typedef struct Daemon Daemon;

/* tell is given a sentence for each difference. 0, and the configuration is the daemon's; or -errno
 * with error_text(), and nothing has changed. */
int reload_apply(Daemon *daemon, Config *config, void (*tell)(void *data, const char *sentence),
                 void *data);
