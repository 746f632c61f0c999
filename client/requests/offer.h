/*
 * Offers: the ids under which an endpoint's next connections are to be registered. An endpoint has
 * as many connections offered or waiting to be accepted as it has credits; when half of them have
 * been used, it offers that many more in one frame.
 *
 * Every function here is called with the handle's lock held.
 */
#pragma once

#include "client/requests/endpoint.h"

/*
 * The daemon cannot use an id that was offered, or is to be: its stream is let go of, and its slot
 * free for another. error: negative errno; -EDQUOT says that this session may not have the slot any
 * more, nor those above.
 */
void offer_refused(PassedStream *stream, int error);
/* The daemon is lost: everything is offered anew. */
void offer_lose(KyronEndpoint *endpoint);
/* Lets go of all that has not arrived. */
void offer_let_go(KyronEndpoint *endpoint);

/* Makes as many streams to offer as there are credits. 0, or -EDQUOT there are no more slots,
 * -ENOMEM: those that were made are there. */
int offer_fill_up(KyronEndpoint *endpoint);

/* The ids that fit in a frame, with their interest; and that the first n of them were sent. */
size_t offer_gather(const KyronEndpoint *endpoint, uint64_t ids[static ENDPOINT_OFFER_MAX]);
void offer_sent(KyronEndpoint *endpoint, size_t n);

/* Sends every endpoint's offers that are due: 0, -EAGAIN or -EHOSTDOWN. */
int offer_flush(KyronIoDriverHandle *handle);
