/* Ids offered for connections. See offer.h. */
#include "client/requests/offer.h"

#include "client/handle/io_driver_handle.h"
#include "client/handle/sending.h"

#include <errno.h>

size_t offer_gather(const KyronEndpoint *endpoint, uint64_t ids[static ENDPOINT_OFFER_MAX])
{
        const PassedStream *stream;
        size_t n = 0;

        TAILQ_FOREACH(stream, &endpoint->to_offer, link)
        {
                if (n == ENDPOINT_OFFER_MAX)
                        break;
                ids[n++] = io_id_pack(stream->bridged_fd.registration.id,
                                      stream->bridged_fd.registration.armed);
        }
        return n;
}

void offer_sent(KyronEndpoint *endpoint, size_t n)
{
        while (n-- > 0) {
                PassedStream *stream = TAILQ_FIRST(&endpoint->to_offer);

                TAILQ_REMOVE(&endpoint->to_offer, stream, link);
                TAILQ_INSERT_TAIL(&endpoint->offered, stream, link);
                stream->state = PASSED_STREAM_OFFERED;
        }
}

/* Of one that has not arrived. */
static void let_go(PassedStream *stream)
{
        KyronEndpoint *endpoint = stream->endpoint;

        TAILQ_REMOVE(stream->state == PASSED_STREAM_NEW ? &endpoint->to_offer : &endpoint->offered,
                     stream, link);
        endpoint->outstanding--;
        endpoint->registration.handle->unaccepted--;
        passed_stream_free(stream);
}

void offer_refused(PassedStream *stream, int error)
{
        SlotTable *slots = &stream->bridged_fd.registration.handle->slots;
        const IoId id = stream->bridged_fd.registration.id;

        let_go(stream);
        if (error == -EDQUOT && !slot_table_is_past_limit(slots, id))
                slot_table_set_limit(slots, io_id_slot(id));
}

void offer_lose(KyronEndpoint *endpoint)
{
        PassedStream *stream;

        TAILQ_FOREACH(stream, &endpoint->offered, link)
        stream->state = PASSED_STREAM_NEW;
        TAILQ_CONCAT(&endpoint->to_offer, &endpoint->offered, link);
}

void offer_let_go(KyronEndpoint *endpoint)
{
        while (!TAILQ_EMPTY(&endpoint->to_offer))
                let_go(TAILQ_FIRST(&endpoint->to_offer));
        while (!TAILQ_EMPTY(&endpoint->offered))
                let_go(TAILQ_FIRST(&endpoint->offered));
}

int offer_fill_up(KyronEndpoint *endpoint)
{
        while (endpoint->outstanding < endpoint->credits) {
                PassedStream *stream;
                int r = passed_stream_new(&stream, endpoint);

                if (r < 0)
                        return r;
                TAILQ_INSERT_TAIL(&endpoint->to_offer, stream, link);
                endpoint->outstanding++;
                endpoint->registration.handle->unaccepted++;
        }
        return 0;
}

static int send_offer(KyronEndpoint *endpoint)
{
        uint64_t ids[ENDPOINT_OFFER_MAX];
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Offer body = IOD__OFFER__INIT;
        int r;

        body.endpoint = endpoint->number;
        body.n_source = offer_gather(endpoint, ids);
        body.source = ids;
        frame.body_case = IOD__FRAME__BODY_OFFER;
        frame.offer = &body;
        r = sending_send_frame(endpoint->registration.handle, &frame, NULL, 0);
        if (r == 0)
                offer_sent(endpoint, body.n_source);
        return r;
}

static int flush_offers(KyronEndpoint *endpoint)
{
        int r = 0;

        if (endpoint->number == 0 || endpoint->registration.closing)
                return 0;
        /* In batches; and as many as there are slots for, others another time. */
        if (endpoint->outstanding * 2 <= endpoint->credits &&
            slot_table_has_room(&endpoint->registration.handle->slots))
                offer_fill_up(endpoint);
        while (r == 0 && endpoint->credits > 0 && !TAILQ_EMPTY(&endpoint->to_offer))
                r = send_offer(endpoint);
        return r;
}

int offer_flush(KyronIoDriverHandle *handle)
{
        KyronEndpoint *endpoint;
        int r = 0;

        TAILQ_FOREACH(endpoint, &handle->endpoints, link)
        {
                r = flush_offers(endpoint);
                if (r < 0)
                        break;
        }
        return r;
}
