/* A listener's options on the wire. See listener_options.h. */
#include "client/requests/listener_options.h"

void listener_options_fill(Iod__ListenerOptions *out, const KyronListenerOptions *options)
{
        iod__listener_options__init(out);
        if (!options)
                return;
        out->backlog = options->backlog;
        out->v6_only = options->v6_only;
        out->nodelay = options->nodelay;
        out->keepalive = options->keepalive;
        out->when_readable = options->when_readable;
        out->silent_ms = options->silent_ms;
        out->least_loaded = options->least_loaded;
        out->keep_seconds = options->keep_seconds;
}
