/* All that goes to the daemon, in its order. See flush.h. */
#include "client/turn/flush.h"

#include "client/handle/sending.h"
#include "client/readiness/outbox.h"
#include "client/requests/claim.h"
#include "client/requests/offer.h"
#include "client/requests/request_flush.h"
#include "client/turn/moving.h"

#include <errno.h>

/* Behind the registrations: whoever answers this has read them. */
static int flush_handover(KyronIoDriverHandle *handle)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__GetStatus status = IOD__GET_STATUS__INIT;
        uint32_t *sequence = &handle->outage.handover_sequence;
        int r;

        if (handle->outage.handover != HANDOVER_SENT)
                return 0;
        *sequence = *sequence < SEQUENCE_HANDOVER || *sequence == SEQUENCE_HANDOVER_MAX
                            ? SEQUENCE_HANDOVER
                            : *sequence + 1;
        frame.sequence = *sequence;
        frame.body_case = IOD__FRAME__BODY_GET_STATUS;
        frame.get_status = &status;
        r = sending_send_frame(handle, &frame, NULL, 0);
        if (r == 0)
                handle->outage.handover = HANDOVER_ASKED;
        return r;
}

void flush_all(KyronIoDriverHandle *handle)
{
        int r;

        if (handle->gone || handle->outage.state != OUTAGE_NONE)
                return;
        handle->retry_soon = false;
        moving_settle(handle);
        /* The daemon can keep a connection on death until it hears that it is taken; and it can
         * give a listener again once it hears that the one before is gone. */
        r = request_flush(handle, true);
        if (r == 0)
                r = moving_flush(handle);
        if (r == 0)
                r = outbox_flush_sources(handle);
        if (r == 0)
                r = flush_handover(handle);
        if (r == 0)
                r = claim_flush(handle);
        if (r == 0)
                r = request_flush(handle, false);
        if (r == 0)
                r = offer_flush(handle);
        sending_set_wants_room(handle,
                               (r == -EAGAIN && !handle->retry_soon) || handle->remove_wants_room);
}
