/*
 * Holding: descriptors left with the daemon, by name or as connections kept on death, and taken
 * back. Neither is cancelled once it was sent, for a descriptor would get lost.
 */
#include "client/requests/holding.h"

#include "client/handle/io_driver_handle.h"
#include "client/requests/claim.h"
#include "client/requests/passed_stream.h"
#include "client/requests/request.h"
#include "client/requests/sealed_note.h"
#include "core/cleanup.h"
#include "core/name.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- Hold ---------------------------------------------------------------------------------- */

/* What a request is to keep on death; NULL: it holds a descriptor by name, or the stream is closed.
 */
static PassedStream *stream_of(const Request *request)
{
        if (request->number == 0)
                return NULL;
        return passed_stream_of(slot_table_recreate(&request->handle->slots, request->number));
}

/* The next daemon knows a connection once it was claimed. */
static bool is_hold_due(const Request *request)
{
        const PassedStream *stream = stream_of(request);

        return !stream || !claim_is_to_come(stream);
}

static void close_note(Request *request)
{
        if (request->note_fd >= 0)
                close(STEAL_FD(request->note_fd));
}

static void end_asking(Request *request)
{
        PassedStream *stream = stream_of(request);

        if (stream)
                stream->keeps_asked--;
        close_note(request);
}

static int say_hold(const Request *request, RequestFrame *out)
{
        Iod__Hold *body = &out->body.hold;
        const PassedStream *stream = stream_of(request);

        if (stream && !stream->counted)
                return -ESTALE;
        *body = (Iod__Hold)IOD__HOLD__INIT;
        if (request->name)
                body->name = (char *)request->name;
        body->note_size = request->note_size;
        body->time_to_live_ms = request->time_ms;
        body->id = request->number;
        if (request->fd >= 0)
                out->fds[out->n_fds++] = request->fd;
        if (request->note_fd >= 0)
                out->fds[out->n_fds++] = request->note_fd;
        out->frame.body_case = IOD__FRAME__BODY_HOLD;
        out->frame.hold = body;
        return 0;
}

static void sent_hold(Request *request)
{
        PassedStream *stream = stream_of(request);

        if (request->number == 0)
                close_note(request);
        if (stream)
                stream->kept = true;
}

static ssize_t take_done(Request *request, const Iod__Frame *frame, FdList *fds)
{
        PassedStream *stream = stream_of(request);

        (void)frame;
        (void)fds;
        /* The next daemon has to have it from here. */
        if (stream)
                passed_stream_keep_done(stream, STEAL_FD(request->note_fd), request->note_size);
        end_asking(request);
        return 0;
}

static void drop_hold(Request *request, const Iod__Frame *answer)
{
        (void)answer;
        end_asking(request);
}

static const RequestKind hold_kind = {
        .answer = IOD__FRAME__BODY_DONE,
        .is_final = true,
        .is_urgent = true,
        .is_due = is_hold_due,
        .say = say_hold,
        .sent = sent_hold,
        .take = take_done,
        .drop = drop_hold,
};

/* Asks for a connection to be kept on death. Once it is asked, and the lock let go of, its
 * completion may run and close the stream. Lock held. */
static int keep_stream(Request *request, PassedStream *stream)
{
        request->number = stream->bridged_fd.registration.id;
        if (request->number == IO_ID_NONE)
                return error_set(ESTALE, "the daemon has no copy of this connection any more");
        stream->keeps_asked++;
        return 0;
}

void holding_renumber(KyronIoDriverHandle *handle, IoId from, IoId to)
{
        Request *request;

        TAILQ_FOREACH(request, &handle->requests.queue, link)
        {
                if (request->kind == &hold_kind && request->number == from)
                        request->number = to;
        }
}

/* A request with its note. stream: what is to be kept; or NULL. */
static int ask_to_hold(KyronIoDriverHandle *handle, const Request *wanted, PassedStream *stream,
                       const void *note, size_t note_size)
{
        Request *request;
        int note_fd;
        int r = sealed_note_new(&note_fd, note, note_size);

        if (r < 0)
                return r;
        pthread_mutex_lock(&handle->lock);
        r = request_new(&request, handle, &hold_kind, wanted->operation);
        if (r == 0 && stream) {
                r = keep_stream(request, stream);
                if (r < 0)
                        request_free(request);
        }
        if (r == 0) {
                request->fd = wanted->fd;
                request->name = wanted->name;
                request->time_ms = wanted->time_ms;
                request->note_fd = note_fd;
                request->note_size = (uint32_t)note_size;
                r = request_queue(request);
        } else if (note_fd >= 0) {
                close(note_fd);
        }
        pthread_mutex_unlock(&handle->lock);
        return r;
}

int kyron_hold(KyronIoDriverHandle *handle, int borrow_fd, const char *name, const void *note,
               size_t note_size, uint64_t time_to_live_ms, KyronOperation *operation)
{
        const Request wanted = {
                .operation = operation,
                .fd = borrow_fd,
                .name = name,
                .time_ms = time_to_live_ms,
        };
        int r = request_check(handle, operation);

        if (r == 0)
                r = request_check_text("a held descriptor's name", name, HOLD_NAME_MAX);
        if (r < 0)
                return r;
        if (borrow_fd < 0)
                return error_set(EBADF, "%d is not an open descriptor", borrow_fd);
        if (time_to_live_ms == 0)
                return error_set(EINVAL, "a held descriptor needs a time to live of 1 ms or more");
        return ask_to_hold(handle, &wanted, NULL, note, note_size);
}

int holding_keep(KyronBridgedFd *stream, const void *note, size_t note_size,
                 KyronOperation *operation)
{
        const Request wanted = {.operation = operation, .fd = -1};
        int r = request_check(stream->registration.handle, operation);

        if (r < 0)
                return r;
        if (!stream->registration.kind->is_passed)
                return error_set(EINVAL, "only a connection from an endpoint can be kept on death");
        return ask_to_hold(stream->registration.handle, &wanted, (PassedStream *)stream, note,
                           note_size);
}

/* ---- Take ---------------------------------------------------------------------------------- */

static int say_take_held(const Request *request, RequestFrame *out)
{
        Iod__TakeHeld *body = &out->body.take_held;

        *body = (Iod__TakeHeld)IOD__TAKE_HELD__INIT;
        body->name = (char *)request->name;
        out->frame.body_case = IOD__FRAME__BODY_TAKE_HELD;
        out->frame.take_held = body;
        return 0;
}

static ssize_t take_held(Request *request, const Iod__Frame *frame, FdList *fds)
{
        KyronHeld *out = request->operation->arguments.pointer;

        out->fd = fd_list_steal(fds, 0);
        out->note_fd = frame->held->note_size > 0 ? fd_list_steal(fds, 1) : -1;
        out->note_size = frame->held->note_size;
        out->held_ms = frame->held->held_ms;
        return 0;
}

static void drop_take_held(Request *request, const Iod__Frame *answer)
{
        (void)request;
        (void)answer;
}

static const RequestKind take_held_kind = {
        .answer = IOD__FRAME__BODY_HELD,
        .is_final = true,
        .is_repeatable = true,
        .say = say_take_held,
        .take = take_held,
        .drop = drop_take_held,
};

int kyron_take_held(KyronIoDriverHandle *handle, const char *name, KyronOperation *operation,
                    KyronHeld *out)
{
        Request *request;
        int r;

        *out = (KyronHeld){.fd = -1, .note_fd = -1};
        r = request_check(handle, operation);
        if (r == 0)
                r = request_check_text("a held descriptor's name", name, HOLD_NAME_MAX);
        if (r < 0)
                return r;
        operation->arguments.pointer = out;
        pthread_mutex_lock(&handle->lock);
        r = request_new(&request, handle, &take_held_kind, operation);
        if (r == 0) {
                request->name = name;
                r = request_queue(request);
        }
        pthread_mutex_unlock(&handle->lock);
        return r;
}
