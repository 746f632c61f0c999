/* What an outage is like. See outage_state.h. */
#include "client/handle/outage_state.h"

#include "client/handle/daemon_connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void outage_init(Outage *outage, const KyronOptions *options)
{
        static const KyronOptions none;
        const char *allowed = getenv("KYRON_LOCAL_FALLBACK");

        if (!options)
                options = &none;
        *outage = (Outage){
                .allows_local = options->local_fallback || (allowed && strcmp(allowed, "1") == 0),
                .limit_ms = options->outage_ms ? options->outage_ms : OUTAGE_DEFAULT_MS,
                .timer_fd = -1,
                .served_by_changed = options->served_by_changed,
                .user = options->user,
        };
        /* What is too long was refused before this is used. */
        snprintf(outage->path, sizeof(outage->path), "%s",
                 daemon_connection_path(options->socket_path));
        snprintf(outage->program, sizeof(outage->program), "%s",
                 options->program ? options->program : "");
}

bool outage_begins_with(const Outage *outage, int error)
{
        switch (error) {
        case -ENOENT:
        case -ENOTDIR:
        case -ECONNREFUSED:
        case -ESHUTDOWN:
        case -ETIMEDOUT:
        case -EDQUOT:
                return outage->allows_local;
        default:
                return false;
        }
}
