/* Streams passed on by the daemon. See passed_stream.h. */
#include "client/requests/passed_stream.h"

#include "client/handle/io_driver_handle.h"
#include "client/readiness/outbox.h"
#include "client/requests/claim.h"
#include "client/requests/sealed_note.h"
#include "core/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void dispose(KyronAsyncRegistration *registration)
{
        PassedStream *stream = (PassedStream *)registration;

        if (stream->note_fd >= 0)
                close(stream->note_fd);
        if (stream->kept_note_fd >= 0)
                close(stream->kept_note_fd);
        free(stream);
}

int passed_stream_new(PassedStream **out, KyronEndpoint *endpoint)
{
        KyronIoDriverHandle *handle = endpoint->registration.handle;
        KyronAsyncRegistration *registration;
        PassedStream *stream = malloc(sizeof(*stream));
        int r;

        if (!stream)
                return error_set(ENOMEM, "no memory for a connection");
        *stream = (PassedStream){
                .endpoint = endpoint,
                .origin = endpoint->serial,
                .note_fd = -1,
                .kept_note_fd = -1,
        };
        registration = &stream->bridged_fd.registration;
        async_registration_init(registration, handle, -1);
        registration->owns_fd = true;
        registration->passed = true;
        registration->dispose = dispose;
        /* As any stream, see tcp_stream.c; the daemon registers it with both when it passes it. */
        registration->arm = registration->wanted = registration->armed =
                KYRON_READABLE | KYRON_WRITABLE;
        r = slot_table_take(&handle->slots, registration, &registration->id);
        if (r < 0) {
                free(stream);
                return r;
        }
        *out = stream;
        return 0;
}

void passed_stream_free(PassedStream *stream)
{
        KyronAsyncRegistration *registration = &stream->bridged_fd.registration;

        slot_table_give_back(&registration->handle->slots, registration->id);
        if (registration->fd >= 0)
                close(registration->fd);
        dispose(registration);
}

void passed_stream_offer_again(PassedStream *stream)
{
        KyronAsyncRegistration *registration = &stream->bridged_fd.registration;

        outbox_withdraw(registration);
        close(STEAL_FD(registration->fd));
        if (stream->note_fd >= 0)
                close(STEAL_FD(stream->note_fd));
        registration->armed = registration->wanted;
        stream->state = PASSED_STREAM_OFFERED;
}

PassedStream *passed_stream_of(KyronAsyncRegistration *registration)
{
        return registration && registration->passed ? (PassedStream *)registration : NULL;
}

bool passed_stream_is_counted(const KyronAsyncRegistration *registration)
{
        return registration->passed && ((const PassedStream *)registration)->counted;
}

bool passed_stream_is_shared(const KyronAsyncRegistration *registration)
{
        const PassedStream *stream = (const PassedStream *)registration;

        return registration->passed && (stream->state == PASSED_STREAM_ARRIVED || stream->kept);
}

void passed_stream_lose(KyronAsyncRegistration *registration)
{
        PassedStream *stream = passed_stream_of(registration);

        if (!stream)
                return;
        passed_stream_forget(registration);
        stream->counted = false;
}

void passed_stream_take(PassedStream *stream)
{
        KyronIoDriverHandle *handle = stream->bridged_fd.registration.handle;
        const KyronEndpoint *endpoint = stream->endpoint;

        stream->kept = endpoint->options.keep_on_death;
        stream->endpoint = NULL;
        if (!stream->counted) {
                stream->state = PASSED_STREAM_TOLD;
                claim_stream(stream, endpoint);
                return;
        }
        stream->state = PASSED_STREAM_TAKEN;
        TAILQ_INSERT_TAIL(&handle->taken, stream, link);
        io_driver_handle_unpark(handle);
}

void passed_stream_keep(PassedStream *stream)
{
        KyronIoDriverHandle *handle = stream->bridged_fd.registration.handle;

        pthread_mutex_lock(&handle->lock);
        stream->kept = true;
        pthread_mutex_unlock(&handle->lock);
}

void passed_stream_keep_done(PassedStream *stream, int take_note_fd, uint32_t note_size)
{
        if (stream->kept_note_fd >= 0)
                close(stream->kept_note_fd);
        stream->keep_done = true;
        stream->kept_note_fd = take_note_fd;
        stream->kept_note_size = note_size;
}

size_t passed_stream_taken(const KyronIoDriverHandle *handle, IoId *ids, size_t max)
{
        const PassedStream *stream;
        size_t count = 0;

        TAILQ_FOREACH(stream, &handle->taken, link)
        {
                if (count == max)
                        break;
                ids[count++] = stream->bridged_fd.registration.id;
        }
        return count;
}

void passed_stream_forget_taken(KyronIoDriverHandle *handle, size_t count)
{
        while (count-- > 0)
                passed_stream_forget(&TAILQ_FIRST(&handle->taken)->bridged_fd.registration);
}

void passed_stream_forget(KyronAsyncRegistration *registration)
{
        PassedStream *stream = passed_stream_of(registration);

        if (stream->state == PASSED_STREAM_TAKEN)
                TAILQ_REMOVE(&registration->handle->taken, stream, link);
        else if (stream->state == PASSED_STREAM_TO_CLAIM)
                TAILQ_REMOVE(&registration->handle->to_claim, stream, link);
        else
                return;
        stream->state = PASSED_STREAM_TOLD;
}

bool passed_stream_was_served_before(const KyronBridgedFd *stream)
{
        return stream->registration.passed && ((const PassedStream *)stream)->again;
}

ssize_t passed_stream_note(const KyronBridgedFd *stream, void *buffer, size_t size)
{
        const PassedStream *passed = (const PassedStream *)stream;
        int r = io_driver_handle_check_process(stream->registration.handle);

        if (r < 0)
                return r;
        if (!stream->registration.passed || passed->note_fd < 0)
                return 0;
        return sealed_note_read(passed->note_fd, passed->note_size, buffer, size);
}
