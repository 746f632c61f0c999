/* What comes from the daemon. See inbox.h. */
#include "client/turn/inbox.h"

#include "client/readiness/async_registration.h"
#include "client/readiness/local_driver.h"
#include "client/readiness/outbox.h"
#include "client/requests/arrival.h"
#include "client/requests/endpoint.h"
#include "client/requests/request.h"
#include "client/turn/moving.h"
#include "client/turn/outage.h"
#include "client/turn/woken.h"
#include "proto/frame_socket.h"
#include "proto/readiness_frame.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Ends the session for good, and tells everyone who waits. why is copied. */
static int end_session(KyronIoDriverHandle *handle, const char *why)
{
        int count;

        pthread_mutex_lock(&handle->lock);
        outage_give_up(handle, why);
        count = woken_run(handle);
        pthread_mutex_unlock(&handle->lock);
        return count;
}

/* Loses the daemon, until there is one again. why is copied. */
static int lose_daemon(KyronIoDriverHandle *handle, const char *why)
{
        int count;

        pthread_mutex_lock(&handle->lock);
        outage_begin(handle, why);
        count = woken_run(handle);
        pthread_mutex_unlock(&handle->lock);
        return count;
}

static int on_readiness(KyronIoDriverHandle *handle, const uint64_t *events, size_t n)
{
        int count;

        pthread_mutex_lock(&handle->lock);
        alive_on_heard(&handle->alive);
        handle->pulse.events += n;
        for (size_t i = 0; i < n; i++) {
                KyronAsyncRegistration *registration =
                        slot_table_recreate(&handle->slots, io_id_unpack(events[i]));

                if (registration)
                        async_registration_wake(registration,
                                                io_id_unpack_readiness(events[i]) & READINESS_ALL);
        }
        count = woken_run(handle);
        pthread_mutex_unlock(&handle->lock);
        return count;
}

static int on_refused_sources(KyronIoDriverHandle *handle, const Iod__Refused *refused)
{
        int count;

        pthread_mutex_lock(&handle->lock);
        for (size_t i = 0; i < refused->n_source; i++) {
                const Iod__RefusedSource *source = refused->source[i];
                KyronAsyncRegistration *registration =
                        slot_table_recreate(&handle->slots, source->id);

                if (registration)
                        async_registration_refuse(registration,
                                                  source->error > 0 ? -source->error : -EPROTO,
                                                  source->text);
        }
        count = woken_run(handle);
        pthread_mutex_unlock(&handle->lock);
        return count;
}

static void on_delivery_answer(KyronIoDriverHandle *handle, bool is_done)
{
        pthread_mutex_lock(&handle->lock);
        moving_on_answer(handle, is_done);
        pthread_mutex_unlock(&handle->lock);
}

/* Of a request as a whole. */
static int on_refused_request(KyronIoDriverHandle *handle, const Iod__Frame *frame, FdList *fds)
{
        if (frame->sequence != SEQUENCE_DELIVERY)
                return request_answer(handle, frame, fds);
        on_delivery_answer(handle, false);
        return 0;
}

static int on_refused(KyronIoDriverHandle *handle, const Iod__Frame *frame, FdList *fds)
{
        const Iod__Refused *refused = frame->refused;
        char why[ERROR_TEXT_MAX];

        if (!refused->session_ends)
                return on_refused_sources(handle, refused) +
                       (refused->error != 0 ? on_refused_request(handle, frame, fds) : 0);
        snprintf(why, sizeof(why), "the daemon ended the session: %s", refused->text);
        return refused->error == ESHUTDOWN ? lose_daemon(handle, why) : end_session(handle, why);
}

static size_t count_of_answer(const Iod__Answer *answer)
{
        switch (answer->body_case) {
        case IOD__ANSWER__BODY_OPENED:
                return 1;
        case IOD__ANSWER__BODY_HELD:
                return answer->held->note_size > 0 ? 2 : 1;
        default:
                return 0;
        }
}

/* How many descriptors a frame speaks of. */
static size_t count_descriptors(const Iod__Frame *frame)
{
        size_t n = 0;

        switch (frame->body_case) {
        case IOD__FRAME__BODY_OPENED:
                return 1;
        case IOD__FRAME__BODY_HELD:
                return frame->held->note_size > 0 ? 2 : 1;
        case IOD__FRAME__BODY_CONNECTIONS:
                for (size_t i = 0; i < frame->connections->n_connection; i++)
                        n += frame->connections->connection[i]->note_size > 0 ? 2 : 1;
                return n;
        case IOD__FRAME__BODY_ANSWERS:
                for (size_t i = 0; i < frame->answers->n_answer; i++)
                        n += count_of_answer(frame->answers->answer[i]);
                return n;
        case IOD__FRAME__BODY__NOT_SET:
                return frame->descriptors; /* from a newer daemon: whatever they are for */
        default:
                return 0;
        }
}

/* The frame that an answer would have been alone. */
static void frame_one(Iod__Frame *frame, const Iod__Answer *answer)
{
        frame->sequence = answer->sequence;
        frame->body_case = (Iod__Frame__BodyCase)answer->body_case;
        switch (answer->body_case) {
        case IOD__ANSWER__BODY_REFUSED:
                frame->refused = answer->refused;
                break;
        case IOD__ANSWER__BODY_OPENED:
                frame->opened = answer->opened;
                break;
        case IOD__ANSWER__BODY_HELD:
                frame->held = answer->held;
                break;
        default:
                frame->done = answer->done;
        }
}

/* Each with its own descriptors: what it does not take of them is closed. */
static int on_answers(KyronIoDriverHandle *handle, const Iod__Answers *answers, FdList *fds)
{
        size_t first = 0;
        int count = 0;

        for (size_t i = 0; i < answers->n_answer; i++) {
                const Iod__Answer *answer = answers->answer[i];
                Iod__Frame frame = IOD__FRAME__INIT;
                FdList part = {.count = 0};

                for (size_t n = count_of_answer(answer); n > 0; n--)
                        fd_list_add(&part, fd_list_steal(fds, first++));
                frame_one(&frame, answer);
                count += frame.body_case == IOD__FRAME__BODY_REFUSED
                                 ? on_refused(handle, &frame, &part)
                                 : request_answer(handle, &frame, &part);
                fd_list_close(&part);
        }
        return count;
}

static int handle_frame(KyronIoDriverHandle *handle, const Iod__Frame *frame, FdList *fds)
{
        char why[ERROR_TEXT_MAX];
        size_t n = count_descriptors(frame);
        int count;

        if (fds->count != n) {
                snprintf(why, sizeof(why), "the daemon sent %s with %zu descriptors, not %zu",
                         frame_body_name(frame->body_case), fds->count, n);
                return end_session(handle, why);
        }
        switch (frame->body_case) {
        case IOD__FRAME__BODY_READINESS:
                return on_readiness(handle, frame->readiness->event, frame->readiness->n_event);
        case IOD__FRAME__BODY_REFUSED:
                return on_refused(handle, frame, fds);
        case IOD__FRAME__BODY_CONNECTIONS:
                pthread_mutex_lock(&handle->lock);
                arrival_receive(handle, frame->connections, fds);
                count = woken_run(handle);
                pthread_mutex_unlock(&handle->lock);
                return count;
        case IOD__FRAME__BODY_ENDPOINT_CLOSED:
                pthread_mutex_lock(&handle->lock);
                endpoint_on_closed(handle, frame->endpoint_closed);
                count = woken_run(handle);
                pthread_mutex_unlock(&handle->lock);
                return count;
        case IOD__FRAME__BODY_ANSWERS:
                return on_answers(handle, frame->answers, fds);
        case IOD__FRAME__BODY_STATUS:
                pthread_mutex_lock(&handle->lock);
                if (frame->sequence == SEQUENCE_ALIVE)
                        alive_on_answer(&handle->alive, request_is_any_sent(handle));
                else
                        local_driver_end_handover(handle, frame->sequence);
                pthread_mutex_unlock(&handle->lock);
                return 0;
        case IOD__FRAME__BODY__NOT_SET:
                /* From a newer daemon, and not asked for. */
                return 0;
        case IOD__FRAME__BODY_DONE:
                if (frame->sequence != SEQUENCE_DELIVERY)
                        return request_answer(handle, frame, fds);
                on_delivery_answer(handle, true);
                return 0;
        default:
                return request_answer(handle, frame, fds);
        }
}

/* The daemon lives. */
static void hear(KyronIoDriverHandle *handle)
{
        pthread_mutex_lock(&handle->lock);
        alive_on_heard(&handle->alive);
        pthread_mutex_unlock(&handle->lock);
}

static int handle_packet(KyronIoDriverHandle *handle, size_t size, FdList *fds)
{
        uint64_t events[FRAME_EVENTS_MAX];
        size_t n = fds->count == 0 ? readiness_frame_decode(handle->bytes, size, events) : 0;
        Iod__Frame *frame;

        if (n > 0)
                return on_readiness(handle, events, n);
        hear(handle);
        if (frame_decode(&handle->arena, handle->bytes, size, fds->count, &frame) < 0)
                return end_session(handle, error_text());
        return handle_frame(handle, frame, fds);
}

int inbox_receive(KyronIoDriverHandle *handle)
{
        FdList fds = {.count = 0};
        int size = frame_socket_receive(handle->socket_fd, handle->bytes, FRAME_BYTES_MAX, &fds);
        int count;

        /* The daemon closed with packets of ours unread: what it sent before comes after that. */
        if (size == -ECONNRESET)
                size = frame_socket_receive(handle->socket_fd, handle->bytes, FRAME_BYTES_MAX,
                                            &fds);
        if (size == -EAGAIN)
                return 0;
        if (size == 0 || (size < 0 && size != -EMFILE && size != -EMSGSIZE))
                count = lose_daemon(handle, "the daemon has gone");
        else if (size < 0)
                count = end_session(handle, error_text());
        else
                count = handle_packet(handle, (size_t)size, &fds);
        fd_list_close(&fds);
        return count;
}
