/* From the loss of one daemon to the Welcome of the next. See outage.h. */
#include "client/turn/outage.h"

#include "client/handle/daemon_connection.h"
#include "client/handle/io_driver_handle.h"
#include "client/handle/sending.h"
#include "client/handle/timer_fd.h"
#include "client/readiness/async_registration.h"
#include "client/readiness/local_driver.h"
#include "client/readiness/outbox.h"
#include "client/requests/arrival.h"
#include "client/requests/endpoint.h"
#include "client/requests/holding.h"
#include "client/requests/request.h"
#include "client/requests/taken_listener.h"
#include "client/turn/moving.h"
#include "core/cleanup.h"
#include "core/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* ---- Telling the program ------------------------------------------------------------------- */

void outage_report(KyronIoDriverHandle *handle)
{
        KyronServedBy by = io_driver_handle_served_by(handle);

        if (by == handle->outage.told)
                return;
        handle->outage.told = by;
        if (!handle->outage.served_by_changed)
                return;
        pthread_mutex_unlock(&handle->lock);
        handle->outage.served_by_changed(handle, by, handle->outage.user);
        pthread_mutex_lock(&handle->lock);
}

/* ---- The loss ------------------------------------------------------------------------------ */

/* Twice as long as the last time, less up to half of it: clients of one daemon spread out. */
static void await_next_attempt(Outage *outage)
{
        unsigned max = outage->is_long ? OUTAGE_LONG_DELAY_MS : OUTAGE_DELAY_MAX_MS;
        unsigned delay = outage->delay_ms;
        unsigned random = 0;

        if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
                random = 0;
        outage->state = OUTAGE_AWAY;
        outage->delay_ms = delay * 2 < max ? delay * 2 : max;
        timer_fd_set(outage->timer_fd, delay - random % (delay / 2 + 1));
}

static void disconnect(KyronIoDriverHandle *handle)
{
        if (handle->socket_fd < 0)
                return;
        pulse_unmap(&handle->pulse);
        alive_rest(&handle->alive);
        /* Out of the selector first: a child of fork() may hold the socket open. */
        selector_remove(&handle->selector, handle->socket_fd);
        close(STEAL_FD(handle->socket_fd));
}

void outage_give_up(KyronIoDriverHandle *handle, const char *why)
{
        if (handle->gone)
                return;
        handle->gone = true;
        snprintf(handle->gone_text, sizeof(handle->gone_text), "%s", why);
        disconnect(handle);
        timer_fd_set(handle->outage.timer_fd, 0);
        request_end_all(handle, -EHOSTDOWN);
        endpoint_lose_all(handle);
        for (uint32_t slot = 0; slot < handle->slots.size; slot++) {
                if (handle->slots.slots[slot].registration)
                        async_registration_wake_all(handle->slots.slots[slot].registration);
        }
}

/* The next daemon has been told nothing. */
static void forget_what_was_told(KyronIoDriverHandle *handle)
{
        for (uint32_t slot = 0; slot < handle->slots.size; slot++) {
                KyronAsyncRegistration *registration = handle->slots.slots[slot].registration;

                if (!registration || registration->fd < 0)
                        continue; /* or it has no file yet, and its request is queued */
                async_registration_lose(registration);
                registration->armed = 0;
        }
}

/* Whether those who wait are served though there is no daemon. */
static bool goes_on_alone(const KyronIoDriverHandle *handle)
{
        return handle->outage.allows_local || handle->delivery.direct;
}

void outage_begin(KyronIoDriverHandle *handle, const char *why)
{
        Outage *outage = &handle->outage;

        if (handle->gone || outage->state != OUTAGE_NONE)
                return;
        if (outage->limit_ms < 0 && !goes_on_alone(handle)) {
                outage_give_up(handle, why);
                return;
        }
        snprintf(handle->gone_text, sizeof(handle->gone_text), "%s", why);
        disconnect(handle);
        handle->session = 0;
        handle->wants_room = handle->remove_wants_room = handle->retry_soon = false;
        handle->closed_count = 0;
        while (handle->slots.first_retired != SLOT_NONE)
                slot_table_give_back_retired(&handle->slots, 1);
        outage->began_ms = clock_now_ms();
        outage->is_long = outage->limit_ms < 0;
        outage->handover = HANDOVER_NONE;
        outage->delay_ms = OUTAGE_FIRST_DELAY_MS;
        await_next_attempt(outage);
        request_lose_all(handle);
        endpoint_lose_all(handle);
        taken_listener_lose_all(handle);
        forget_what_was_told(handle);
        if (!handle->delivery.direct)
                outbox_queue_all(handle);
        local_driver_serve_all(handle);
        if (outage->is_long)
                request_end_waiting(handle, -EHOSTDOWN);
}

/* ---- The next daemon ----------------------------------------------------------------------- */

/* It has lasted longer than what needs a daemon is to wait. Lock held. */
static void become_long(KyronIoDriverHandle *handle)
{
        Outage *outage = &handle->outage;
        char why[ERROR_TEXT_MAX];

        outage->is_long = true;
        if (!goes_on_alone(handle)) {
                strcpy(why, handle->gone_text);
                outage_give_up(handle, why);
                return;
        }
        request_end_waiting(handle, -EHOSTDOWN);
        local_driver_serve_all(handle);
        endpoint_wake_all(handle);
}

/* The attempt came to nothing, see error_text(). Lock held. */
static void try_later(KyronIoDriverHandle *handle)
{
        Outage *outage = &handle->outage;

        snprintf(handle->gone_text, sizeof(handle->gone_text), "%s", error_text());
        disconnect(handle);
        if (!outage->is_long && clock_now_ms() - outage->began_ms >= (uint64_t)outage->limit_ms)
                become_long(handle);
        if (!handle->gone)
                await_next_attempt(outage);
}

static int greet(KyronIoDriverHandle *handle)
{
        const Outage *outage = &handle->outage;
        int fd = daemon_connection_start(outage->path, *outage->program ? outage->program : NULL,
                                         !outage->lacks_descriptors,
                                         clock_now_ms() - outage->began_ms + 1);
        int r;

        if (fd < 0)
                return fd;
        r = selector_add_level(&handle->selector, fd, IO_ID_DAEMON, READINESS_READABLE);
        if (r < 0) {
                close(fd);
                return error_set(-r, "the daemon cannot be waited for: %s", strerror(-r));
        }
        handle->socket_fd = fd;
        return 0;
}

/* Of an outage. Lock held. */
static void attempt(KyronIoDriverHandle *handle)
{
        Outage *outage = &handle->outage;
        int r;

        if (outage->state == OUTAGE_GREETING)
                r = error_set(ETIMEDOUT, "the daemon has not answered within %d s",
                              DAEMON_CONNECTION_TIMEOUT_MS / 1000);
        else
                r = greet(handle);
        if (r < 0) {
                try_later(handle);
        } else {
                outage->state = OUTAGE_GREETING;
                timer_fd_set(outage->timer_fd, DAEMON_CONNECTION_TIMEOUT_MS);
        }
}

static void ask_whether_alive(KyronIoDriverHandle *handle)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__GetStatus status = IOD__GET_STATUS__INIT;

        frame.body_case = IOD__FRAME__BODY_GET_STATUS;
        frame.get_status = &status;
        frame.sequence = SEQUENCE_ALIVE;
        /* If there is no room, the daemon has not read, and is to do so. */
        sending_send_frame(handle, &frame, NULL, 0);
}

/* Of a session. Lock held. */
static void look_whether_alive(KyronIoDriverHandle *handle)
{
        /* It may have answered, and this process did not run. */
        bool has_unread = handle->alive.state == ALIVE_ASKED &&
                          daemon_connection_wait(handle->socket_fd, 0) == 0;
        char why[ERROR_TEXT_MAX];

        switch (alive_on_timer(&handle->alive, has_unread)) {
        case ALIVE_TO_BE_ASKED:
                ask_whether_alive(handle);
                break;
        case ALIVE_LOST:
                snprintf(why, sizeof(why), "the daemon has not answered within %d ms",
                         handle->alive.limit_ms);
                outage_begin(handle, why);
                break;
        case ALIVE_WELL:
                break;
        }
}

void outage_on_timer(KyronIoDriverHandle *handle)
{
        Outage *outage = &handle->outage;
        uint64_t expiries;

        pthread_mutex_lock(&handle->lock);
        if (read(outage->timer_fd, &expiries, sizeof(expiries)) == sizeof(expiries) &&
            !handle->gone) {
                if (outage->state != OUTAGE_NONE)
                        attempt(handle);
                else
                        look_whether_alive(handle);
        }
        pthread_mutex_unlock(&handle->lock);
}

/* The daemon lives and has given to others what it might. */
static void give_up_shared(KyronIoDriverHandle *handle)
{
        arrival_give_back_all(handle);
        for (uint32_t slot = 0; slot < handle->slots.size; slot++) {
                KyronAsyncRegistration *registration = handle->slots.slots[slot].registration;

                if (!registration || !async_registration_is_shared(registration))
                        continue;
                outbox_withdraw(registration);
                registration->error = -ESTALE;
                async_registration_wake_all(registration);
        }
}

void outage_begin_session(KyronIoDriverHandle *handle, const DaemonConnection *connection)
{
        handle->session = connection->session;
        handle->outage.epoch = connection->epoch;
        pulse_map(&handle->pulse, connection->pulse_fd);
        handle->requests.packet_max = connection->requests_max;
        slot_table_set_limit(&handle->slots, connection->registrations_max);
        handle_delivery_begin_session(&handle->delivery, connection->deliveries);
}

/* Exchanges slots that this daemon does not allow for lower ones, as long as there are some: it
 * knows none of them yet. Registrations that keep theirs are refused by it. */
static void renumber(KyronIoDriverHandle *handle)
{
        SlotTable *slots = &handle->slots;

        if (slots->size <= slots->limit)
                return;
        endpoint_let_go_all(handle);
        for (uint32_t slot = slots->limit; slot < slots->size; slot++) {
                KyronAsyncRegistration *registration = slots->slots[slot].registration;
                IoId former;

                if (!registration || !slot_table_has_room(slots))
                        continue;
                former = registration->id;
                local_driver_renumber(registration);
                if (passed_stream_of(registration))
                        holding_renumber(handle, former, registration->id);
        }
        endpoint_fill_up_all(handle);
}

/* A daemon has welcomed this handle after an outage. Lock held. */
static void welcome(KyronIoDriverHandle *handle, const DaemonConnection *connection)
{
        if (handle->outage.epoch == connection->epoch)
                give_up_shared(handle);
        outage_begin_session(handle, connection);
        renumber(handle);
        endpoint_wake_all(handle);
}

void outage_on_greeted(KyronIoDriverHandle *handle)
{
        DaemonConnection connection;
        int r = daemon_connection_finish(&connection, handle->socket_fd);

        if (r == -EAGAIN)
                return;
        pthread_mutex_lock(&handle->lock);
        handle->outage.lacks_descriptors = r == -EMFILE;
        if (r < 0) {
                try_later(handle);
        } else {
                timer_fd_set(handle->outage.timer_fd, 0);
                welcome(handle, &connection);
                handle->outage.state = OUTAGE_NONE;
                moving_on_session(handle);
        }
        pthread_mutex_unlock(&handle->lock);
}
