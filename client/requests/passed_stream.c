/* Streams passed on by the daemon. See passed_stream.h. */
#include "client/requests/passed_stream.h"

#include "client/handle/io_driver_handle.h"
#include "client/readiness/outbox.h"
#include "client/requests/endpoint.h"
#include "client/requests/offer.h"
#include "client/requests/sealed_note.h"
#include "core/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
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

static bool is_shared(const KyronAsyncRegistration *registration)
{
        const PassedStream *stream = (const PassedStream *)registration;

        return stream->state == PASSED_STREAM_ARRIVED || stream->kept;
}

static bool is_counted(const KyronAsyncRegistration *registration)
{
        return ((const PassedStream *)registration)->counted;
}

/* There is nothing to be told of it. */
static void forget(KyronAsyncRegistration *registration)
{
        PassedStream *stream = (PassedStream *)registration;

        outbox_forget_taken(registration->handle, &stream->taken);
        passed_stream_leave_claims(stream);
}

static void lose(KyronAsyncRegistration *registration)
{
        forget(registration);
        ((PassedStream *)registration)->counted = false;
}

/* While its id is only offered, it is used up. One with a file is as any other. */
static bool refuse(KyronAsyncRegistration *registration, int error)
{
        PassedStream *stream = (PassedStream *)registration;

        if (stream->state != PASSED_STREAM_NEW && stream->state != PASSED_STREAM_OFFERED)
                return false;
        offer_refused(stream, error);
        return true;
}

static const AsyncRegistrationKind kind = {
        .is_passed = true,
        .dispose = dispose,
        .is_shared = is_shared,
        .is_counted = is_counted,
        .lose = lose,
        .refuse = refuse,
        .forget = forget,
};

static void init_registration(PassedStream *stream, KyronIoDriverHandle *handle)
{
        KyronAsyncRegistration *registration = &stream->bridged_fd.registration;

        async_registration_init(registration, handle, -1);
        registration->owns_fd = true;
        registration->kind = &kind;
        /* As any stream, see tcp_stream.c; the daemon registers it with both when it passes it. */
        registration->arm = registration->wanted = registration->armed =
                KYRON_READABLE | KYRON_WRITABLE;
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
        init_registration(stream, handle);
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

        outbox_withdraw(registration);
        if (registration->id != IO_ID_NONE)
                slot_table_give_back(&registration->handle->slots, registration, &registration->id);
        if (registration->fd >= 0)
                close(registration->fd);
        async_registration_free(registration);
}

void passed_stream_empty(PassedStream *stream)
{
        KyronAsyncRegistration *registration = &stream->bridged_fd.registration;
        const IoId id = registration->id;

        outbox_withdraw(registration);
        close(STEAL_FD(registration->fd));
        if (stream->note_fd >= 0)
                close(STEAL_FD(stream->note_fd));
        free(STEAL_PTR(registration->refusal));
        init_registration(stream, registration->handle);
        registration->id = id;
}

PassedStream *passed_stream_of(KyronAsyncRegistration *registration)
{
        return registration && registration->kind == &kind ? (PassedStream *)registration : NULL;
}

void passed_stream_tell_taken(PassedStream *stream)
{
        const KyronAsyncRegistration *registration = &stream->bridged_fd.registration;

        outbox_take(registration->handle, &stream->taken, registration->id);
}

void passed_stream_leave_claims(PassedStream *stream)
{
        if (stream->state != PASSED_STREAM_TO_CLAIM)
                return;
        TAILQ_REMOVE(&stream->bridged_fd.registration.handle->to_claim, stream, link);
        stream->state = PASSED_STREAM_TAKEN;
}

void passed_stream_keep_done(PassedStream *stream, int take_note_fd, uint32_t note_size)
{
        if (stream->kept_note_fd >= 0)
                close(stream->kept_note_fd);
        stream->keep_done = true;
        stream->kept_note_fd = take_note_fd;
        stream->kept_note_size = note_size;
}

static void set_option(int borrow_fd, int option, int value)
{
        (void)setsockopt(borrow_fd, SOL_SOCKET, option, &value, sizeof(value));
}

void passed_stream_put_in_order(const PassedStream *stream)
{
        const int fd = stream->bridged_fd.registration.fd;

        if (!stream->again)
                return;
        (void)fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
        set_option(fd, SO_RCVLOWAT, 1);
        set_option(fd, SO_PEEK_OFF, -1);
        set_option(fd, SO_DETACH_FILTER, 0);
}

bool passed_stream_was_served_before(const KyronBridgedFd *stream)
{
        return stream->registration.kind == &kind && ((const PassedStream *)stream)->again;
}

ssize_t passed_stream_note(const KyronBridgedFd *stream, void *buffer, size_t size)
{
        const PassedStream *passed = (const PassedStream *)stream;
        int r = io_driver_handle_check_process(stream->registration.handle);

        if (r < 0)
                return r;
        if (stream->registration.kind != &kind || passed->note_fd < 0)
                return 0;
        return sealed_note_read(passed->note_fd, passed->note_size, buffer, size);
}
