/* Connections of a daemon before this one. See claim.h. */
#include "client/requests/claim.h"

#include "client/handle/io_driver_handle.h"
#include "client/handle/sending.h"

#include <errno.h>

enum {
        /* Connections of one frame: each may bring its descriptor and a note's. */
        CLAIM_MAX = FD_LIST_MAX / 2,
};

/* One frame, being put together. */
typedef struct Claims {
        size_t count;
        size_t n_fds;
        Iod__ClaimedConnection entries[CLAIM_MAX];
        Iod__ClaimedConnection *pointers[CLAIM_MAX];
        int fds[2 * CLAIM_MAX]; /* borrowed */
} Claims;

/* If the endpoint has joined; or it is done then. */
static void claim_stream(PassedStream *stream, const KyronEndpoint *endpoint)
{
        KyronIoDriverHandle *handle = stream->bridged_fd.registration.handle;

        /* What is not registered cannot be claimed. */
        if (endpoint->number == 0 || stream->bridged_fd.registration.id == IO_ID_NONE)
                return;
        stream->state = PASSED_STREAM_TO_CLAIM;
        stream->counted = true;
        TAILQ_INSERT_TAIL(&handle->to_claim, stream, link);
        io_driver_handle_unpark(handle);
}

void claim_take(PassedStream *stream)
{
        const KyronEndpoint *endpoint = stream->endpoint;

        stream->kept = endpoint->options.keep_on_death;
        stream->endpoint = NULL;
        stream->state = PASSED_STREAM_TAKEN;
        if (stream->counted)
                passed_stream_tell_taken(stream);
        else
                claim_stream(stream, endpoint);
}

void claim_all(KyronEndpoint *endpoint)
{
        KyronIoDriverHandle *handle = endpoint->registration.handle;

        for (uint32_t slot = 0; slot < handle->slots.size; slot++) {
                const KyronAsyncRegistration *registration = handle->slots.slots[slot].registration;
                PassedStream *stream = passed_stream_of(handle->slots.slots[slot].registration);

                if (!stream || stream->origin != endpoint->serial || stream->counted ||
                    stream->state != PASSED_STREAM_TAKEN)
                        continue;
                if (registration->fd >= 0 && registration->id != IO_ID_NONE &&
                    !registration->closing && !registration->error)
                        claim_stream(stream, endpoint);
        }
}

/* The endpoint it came from, if it is open. */
static const KyronEndpoint *find_origin(const KyronIoDriverHandle *handle,
                                        const PassedStream *stream)
{
        const KyronEndpoint *endpoint;

        TAILQ_FOREACH(endpoint, &handle->endpoints, link)
        {
                if (endpoint->serial == stream->origin)
                        return endpoint->registration.closing ? NULL : endpoint;
        }
        return NULL;
}

/* The same, if it has joined. */
static const KyronEndpoint *find_joined(const KyronIoDriverHandle *handle,
                                        const PassedStream *stream)
{
        const KyronEndpoint *endpoint = find_origin(handle, stream);

        return endpoint && endpoint->number != 0 ? endpoint : NULL;
}

bool claim_is_to_come(const PassedStream *stream)
{
        const KyronEndpoint *endpoint;

        if (stream->counted || stream->state == PASSED_STREAM_TO_CLAIM)
                return stream->state == PASSED_STREAM_TO_CLAIM;
        endpoint = find_origin(stream->bridged_fd.registration.handle, stream);
        return endpoint && endpoint->rejoins;
}

static void claims_add(Claims *claims, const PassedStream *stream, bool keep_on_death)
{
        Iod__ClaimedConnection *entry = &claims->entries[claims->count];
        int note_fd = stream->keep_done ? stream->kept_note_fd : stream->note_fd;

        claims->pointers[claims->count++] = entry;
        *entry = (Iod__ClaimedConnection)IOD__CLAIMED_CONNECTION__INIT;
        entry->id = stream->bridged_fd.registration.id;
        entry->keep_on_death = keep_on_death || stream->keep_done || stream->keeps_asked > 0;
        if (!entry->keep_on_death)
                return;
        claims->fds[claims->n_fds++] = stream->bridged_fd.registration.fd;
        if (note_fd < 0)
                return;
        entry->note_size = stream->keep_done ? stream->kept_note_size : stream->note_size;
        claims->fds[claims->n_fds++] = note_fd;
}

/* The first count are claimed; or not, for they cannot be sent. */
static void set_claimed(KyronIoDriverHandle *handle, size_t count, bool claimed)
{
        while (count-- > 0) {
                PassedStream *stream = TAILQ_FIRST(&handle->to_claim);

                passed_stream_leave_claims(stream);
                stream->counted = claimed;
                stream->kept |= claimed && stream->keeps_asked > 0;
        }
}

/* Those at the head of the list that are of this endpoint. */
static int send_claims(KyronIoDriverHandle *handle, const KyronEndpoint *endpoint)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Claim body = IOD__CLAIM__INIT;
        const PassedStream *stream;
        Claims claims;
        int r;

        claims.count = claims.n_fds = 0;
        TAILQ_FOREACH(stream, &handle->to_claim, link)
        {
                if (claims.count == CLAIM_MAX || stream->origin != endpoint->serial)
                        break;
                claims_add(&claims, stream, endpoint->options.keep_on_death);
        }
        body.endpoint = endpoint->number;
        body.n_connection = claims.count;
        body.connection = claims.pointers;
        frame.body_case = IOD__FRAME__BODY_CLAIM;
        frame.claim = &body;
        r = sending_send_frame(handle, &frame, claims.fds, claims.n_fds);
        if (r == -EAGAIN || r == -EHOSTDOWN)
                return r;
        set_claimed(handle, claims.count, r == 0);
        return 0;
}

int claim_flush(KyronIoDriverHandle *handle)
{
        const PassedStream *stream;
        int r = 0;

        while (r == 0 && (stream = TAILQ_FIRST(&handle->to_claim))) {
                const KyronEndpoint *endpoint = find_joined(handle, stream);

                if (endpoint)
                        r = send_claims(handle, endpoint);
                else
                        set_claimed(handle, 1, false);
        }
        return r;
}
