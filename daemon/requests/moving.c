/* SetDelivery. See moving.h. */
#include "daemon/requests/moving.h"

#include "core/error.h"
#include "daemon/config/authorise.h"
#include "daemon/daemon.h"
#include "daemon/session/session_direct.h"

#include <errno.h>

int moving_set_delivery(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        const Iod__Delivery delivery = request->set_delivery->delivery;
        int r;

        if (delivery != IOD__DELIVERY__DELIVERY_RELAYED &&
            delivery != IOD__DELIVERY__DELIVERY_DIRECT)
                return -error_set(EINVAL, "a delivery is relayed or direct, not %d", (int)delivery);
        r = authorise(daemon->config->policy, &session->peer, POLICY_DELIVERY, NULL,
                      delivery == IOD__DELIVERY__DELIVERY_DIRECT ? "direct" : "relayed");
        if (r < 0)
                return -r;
        if (delivery == IOD__DELIVERY__DELIVERY_DIRECT)
                return session_direct_begin(session, request->sequence);
        session_direct_end(session);
        return session_reply_done(session, request->sequence);
}
