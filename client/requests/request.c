/* Requests that the daemon will answer. See request.h. */
#include "client/requests/request.h"

#include "client/handle/io_driver_handle.h"
#include "client/readiness/async_registration.h"
#include "client/readiness/operation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
        /* A sequence: the place in the low bits, then how often it was used. */
        PLACE_BITS = 20,
        REQUESTS_MAX = 1 << PLACE_BITS,
        USE_MAX = (1 << (32 - PLACE_BITS)) - 1,
        FIRST_SIZE = 16,
};

/* ---- The table ----------------------------------------------------------------------------- */

void request_table_init(RequestTable *table)
{
        *table = (RequestTable){.size = 0};
        TAILQ_INIT(&table->free);
        TAILQ_INIT(&table->queue);
        TAILQ_INIT(&table->ended);
}

void request_table_deinit(RequestTable *table)
{
        for (uint32_t place = 0; place < table->size; place++)
                free(table->requests[place]);
        free(table->requests);
        request_table_init(table);
}

static int add_to_table(RequestTable *table)
{
        Request *request;

        if (table->size == REQUESTS_MAX)
                return error_set(EDQUOT, "%d requests wait for their answers already",
                                 REQUESTS_MAX);
        if (table->size == table->room) {
                uint32_t room = table->room ? table->room * 2 : FIRST_SIZE;
                Request **requests = realloc(table->requests, room * sizeof(Request *));

                if (!requests)
                        return error_set(ENOMEM, "no memory for a request");
                table->requests = requests;
                table->room = room;
        }
        request = calloc(1, sizeof(*request));
        if (!request)
                return error_set(ENOMEM, "no memory for a request");
        request->sequence = table->size;
        table->requests[table->size++] = request;
        TAILQ_INSERT_HEAD(&table->free, request, link);
        return 0;
}

static Request *find(const RequestTable *table, uint32_t sequence)
{
        uint32_t place = sequence & (REQUESTS_MAX - 1);
        Request *request = place < table->size ? table->requests[place] : NULL;

        return request && request->sequence == sequence ? request : NULL;
}

/* The place's next sequence; never 0, as its use never is. */
static uint32_t next_sequence(uint32_t sequence)
{
        uint32_t use = sequence >> PLACE_BITS;

        return (sequence & (REQUESTS_MAX - 1)) | (use == USE_MAX ? 1 : use + 1) << PLACE_BITS;
}

/* ---- Asking -------------------------------------------------------------------------------- */

int request_check(const KyronIoDriverHandle *handle, const KyronOperation *operation)
{
        int r = io_driver_handle_check_process(handle);

        if (r < 0)
                return r;
        r = operation_check(operation);
        return r < 0 ? r : operation_check_completion(operation);
}

int request_check_text(const char *what, const char *text, size_t max)
{
        size_t size = text ? strnlen(text, max + 1) : 0;

        if (size >= 1 && size <= max)
                return 0;
        return error_set(EINVAL, "%s has 1 to %zu bytes", what, max);
}

int request_new(Request **out, KyronIoDriverHandle *handle, const RequestKind *kind,
                KyronOperation *operation)
{
        RequestTable *table = &handle->requests;
        Request *request;
        int r = 0;

        if (handle->gone ||
            (operation && handle->outage.state != OUTAGE_NONE && handle->outage.is_long))
                return error_set(EHOSTDOWN, "%s", handle->gone_text);
        if (TAILQ_EMPTY(&table->free))
                r = add_to_table(table);
        if (r < 0)
                return r;
        request = TAILQ_FIRST(&table->free);
        TAILQ_REMOVE(&table->free, request, link);
        *request = (Request){
                .handle = handle,
                .kind = kind,
                .operation = operation,
                .state = REQUEST_NEW,
                .sequence = next_sequence(request->sequence),
                .fd = -1,
                .note_fd = -1,
        };
        *out = request;
        return 0;
}

void request_free(Request *request)
{
        request->state = REQUEST_FREE;
        TAILQ_INSERT_HEAD(&request->handle->requests.free, request, link);
}

int request_queue(Request *request)
{
        KyronOperation *operation = request->operation;

        if (operation) {
                operation->internal.request = request;
                operation->internal.waker.internal.handle = request->handle;
                operation->internal.waker.internal.state = WAKER_REQUESTED;
        }
        request->state = REQUEST_QUEUED;
        TAILQ_INSERT_TAIL(&request->handle->requests.queue, request, link);
        io_driver_handle_unpark(request->handle);
        return KYRON_PENDING;
}

/* Its operation is let go of. */
static KyronOperation *take_operation(Request *request)
{
        KyronOperation *operation = request->operation;

        request->operation = NULL;
        if (operation) {
                operation->internal.request = NULL;
                operation->internal.waker.internal.state = WAKER_IDLE;
        }
        return operation;
}

void request_end(Request *request, int error)
{
        request->error = error;
        request->kind->drop(request, NULL);
        if (!request->operation) {
                request_free(request);
                return;
        }
        request->state = REQUEST_ENDED;
        TAILQ_INSERT_TAIL(&request->handle->requests.ended, request, link);
        io_driver_handle_unpark(request->handle);
}

static int cancel(KyronOperation *operation)
{
        Request *request = operation->internal.request;
        RequestTable *table = &request->handle->requests;

        if (request->state == REQUEST_SENT && request->kind->is_final)
                return error_set(EALREADY, "the daemon is at it: its answer ends the operation");
        take_operation(request);
        switch (request->state) {
        case REQUEST_QUEUED:
                TAILQ_REMOVE(&table->queue, request, link);
                request->kind->drop(request, NULL);
                request_free(request);
                break;
        case REQUEST_ENDED:
                TAILQ_REMOVE(&table->ended, request, link);
                request_free(request);
                break;
        default:
                if (!request->kind->is_long)
                        break;
                request->state = REQUEST_ABANDONED;
                TAILQ_INSERT_TAIL(&table->queue, request, link);
                io_driver_handle_unpark(request->handle);
        }
        return 0;
}

int kyron_operation_cancel(KyronOperation *operation)
{
        KyronWaker *waker = operation ? &operation->internal.waker : NULL;
        KyronIoDriverHandle *handle = waker ? waker->internal.handle : NULL;
        KyronAsyncRegistration *registration;
        bool taken;
        int r;

        if (!handle)
                return error_set(EALREADY, "this operation was not waiting");
        r = io_driver_handle_check_process(handle);
        if (r < 0)
                return r;
        pthread_mutex_lock(&handle->lock);
        if (waker->internal.state == WAKER_REQUESTED) {
                r = cancel(operation);
                pthread_mutex_unlock(&handle->lock);
                return r;
        }
        registration = waker->internal.registration;
        if (waker->internal.state == WAKER_RUNNING)
                waker->internal.cancelled = true;
        taken = async_registration_take_waker(waker);
        if (taken)
                async_registration_reap(registration);
        pthread_mutex_unlock(&handle->lock);
        return taken ? 0 : error_set(EALREADY, "this operation was not waiting any more");
}

/* ---- Answers ------------------------------------------------------------------------------- */

/* What the answer means to the request. Lets go of what came to nothing. */
static ssize_t take_answer(Request *request, const Iod__Frame *frame, FdList *fds)
{
        const RequestKind *kind = request->kind;
        ssize_t result;

        if (frame->body_case == kind->answer) {
                result = request->operation ? kind->take(request, frame, fds) : 0;
                if (result < 0 || !request->operation)
                        kind->drop(request, frame);
                return result;
        }
        request->error = frame->body_case == IOD__FRAME__BODY_REFUSED && frame->refused->error > 0
                                 ? -frame->refused->error
                                 : -EPROTO;
        if (frame->body_case == IOD__FRAME__BODY_REFUSED)
                request->refusal = frame->refused->text;
        kind->drop(request, NULL);
        if (frame->body_case != IOD__FRAME__BODY_REFUSED)
                return error_set(EPROTO, "the daemon answered with %s, not with %s",
                                 frame_body_name(frame->body_case), frame_body_name(kind->answer));
        return error_set(-request->error, "%s", frame->refused->text);
}

int request_answer(KyronIoDriverHandle *handle, const Iod__Frame *frame, FdList *fds)
{
        KyronOperation *operation = NULL;
        ssize_t result = 0;
        Request *request;

        pthread_mutex_lock(&handle->lock);
        request = find(&handle->requests, frame->sequence);
        if (request && (request->state == REQUEST_SENT || request->state == REQUEST_ABANDONED)) {
                if (request->state == REQUEST_ABANDONED)
                        TAILQ_REMOVE(&handle->requests.queue, request, link);
                result = take_answer(request, frame, fds);
                operation = take_operation(request);
                request_free(request);
        }
        pthread_mutex_unlock(&handle->lock);
        if (!operation)
                return 0;
        operation->result = result;
        operation->completion(operation);
        return 1;
}

bool request_is_any_sent(const KyronIoDriverHandle *handle)
{
        const RequestTable *table = &handle->requests;

        for (uint32_t place = 0; place < table->size; place++) {
                if (table->requests[place]->state == REQUEST_SENT)
                        return true;
        }
        return false;
}

/* ---- The end ------------------------------------------------------------------------------- */

static void queue_again(Request *request)
{
        request->state = REQUEST_QUEUED;
        TAILQ_INSERT_TAIL(&request->handle->requests.queue, request, link);
}

/* Whether the next daemon is asked for what is queued or was sent: what somebody waits for, and
 * what is nobody's but the endpoint's own. */
static bool outlives_the_daemon(const Request *request)
{
        const RequestKind *kind = request->kind;

        switch (request->state) {
        case REQUEST_QUEUED:
                return kind->is_repeatable || request->operation;
        case REQUEST_SENT:
                return kind->is_repeatable && (request->operation || !kind->take);
        default:
                return false;
        }
}

void request_lose_all(KyronIoDriverHandle *handle)
{
        RequestTable *table = &handle->requests;

        for (uint32_t place = 0; place < table->size; place++) {
                Request *request = table->requests[place];
                bool is_queued =
                        request->state == REQUEST_QUEUED || request->state == REQUEST_ABANDONED;

                if (!is_queued && request->state != REQUEST_SENT)
                        continue;
                if (is_queued)
                        TAILQ_REMOVE(&table->queue, request, link);
                if (outlives_the_daemon(request))
                        queue_again(request);
                else
                        request_end(request, -EHOSTDOWN);
        }
}

void request_end_waiting(KyronIoDriverHandle *handle, int error)
{
        Request *request, *next;

        for (request = TAILQ_FIRST(&handle->requests.queue); request; request = next) {
                next = TAILQ_NEXT(request, link);
                if (!request->operation)
                        continue;
                TAILQ_REMOVE(&handle->requests.queue, request, link);
                request_end(request, error);
        }
}

void request_end_all(KyronIoDriverHandle *handle, int error)
{
        RequestTable *table = &handle->requests;

        for (uint32_t place = 0; place < table->size; place++) {
                Request *request = table->requests[place];

                if (request->state == REQUEST_QUEUED || request->state == REQUEST_ABANDONED)
                        TAILQ_REMOVE(&table->queue, request, link);
                else if (request->state != REQUEST_SENT)
                        continue;
                request_end(request, error);
        }
}

/* The sentence to an error that no answer brought. */
static ssize_t say_why_ended(const KyronIoDriverHandle *handle, int error)
{
        switch (error) {
        case -EHOSTDOWN:
                return error_set(EHOSTDOWN, "%s", handle->gone_text);
        case -ECANCELED:
                return error_set(ECANCELED, "the handle was closed");
        case -ESTALE:
                return error_set(ESTALE, "the daemon has no copy of this connection any more");
        default:
                return error_set(-error, "the request cannot be sent to the daemon: %s",
                                 strerror(-error));
        }
}

int request_run_ended(KyronIoDriverHandle *handle)
{
        Request *request;
        int count = 0;

        while ((request = TAILQ_FIRST(&handle->requests.ended))) {
                KyronOperation *operation = take_operation(request);
                int error = request->error;

                TAILQ_REMOVE(&handle->requests.ended, request, link);
                request_free(request);
                pthread_mutex_unlock(&handle->lock);
                operation->result = say_why_ended(handle, error);
                operation->completion(operation);
                count++;
                pthread_mutex_lock(&handle->lock);
        }
        return count;
}
