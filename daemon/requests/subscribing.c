/* Subscribe, Unsubscribe. See subscribing.h. */
#include "daemon/requests/subscribing.h"

#include "core/error.h"
#include "daemon/daemon.h"
#include "daemon/session/subscription.h"

#include <errno.h>

/* 0, or a positive errno with error_text(). */
static int find_kinds(const Iod__Subscribe *subscribe, uint32_t *kinds)
{
        *kinds = subscribe->n_kind == 0 ? UINT32_MAX : 0;
        for (size_t i = 0; i < subscribe->n_kind; i++) {
                const Iod__Kind kind = subscribe->kind[i];

                if (kind <= IOD__KIND__KIND_UNKNOWN || kind > IOD__KIND__KIND_POLICY)
                        return -error_set(EINVAL, "nothing that happens is of kind %d", (int)kind);
                *kinds |= happening_kind_bit(kind);
        }
        return 0;
}

int subscribing_subscribe(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        uint32_t kinds;
        int r = find_kinds(request->subscribe, &kinds);

        if (r > 0)
                return r;
        r = subscription_set(session, kinds);
        if (r < 0)
                return -r;
        worker_watch_begin(&daemon->listeners.watch);
        return session_reply_done(session, request->sequence);
}

int subscribing_unsubscribe(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        (void)daemon;
        subscription_end(session);
        return session_reply_done(session, request->sequence);
}
