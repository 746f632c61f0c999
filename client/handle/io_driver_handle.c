/* The client's end of a session, and process_io. See io_driver_handle.h. */
#include "client/handle/io_driver_handle.h"

#include "client/readiness/local_driver.h"
#include "client/readiness/operation.h"
#include "client/readiness/outbox.h"
#include "client/requests/arrival.h"
#include "client/requests/endpoint.h"
#include "client/requests/request.h"
#include "client/turn/inbox.h"
#include "client/turn/outage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* What wake writes: more than unparking, which writes 1 and is nobody's business outside. */
#define WAKE_VALUE (UINT64_C(1) << 32)

enum {
        /* How long to wait before sending again when the kernel is short of something. */
        RETRY_MS = 10,
};

/* Counts the forks between the process that loaded the library and this one. */
static unsigned fork_count;

static void count_fork(void)
{
        fork_count++;
}

static void watch_forks(void)
{
        pthread_atfork(NULL, NULL, count_fork);
}

int io_driver_handle_check_process(const KyronIoDriverHandle *handle)
{
        if (handle->fork_count == fork_count)
                return 0;
        return error_set(EOWNERDEAD, "this handle is the parent's: after fork() open another");
}

const char *kyron_version(void)
{
        return PACKAGE_VERSION;
}

const char *kyron_error_text(void)
{
        return error_text();
}

/* ---- One turn ------------------------------------------------------------------------------ */

int io_driver_handle_run_woken(KyronIoDriverHandle *handle)
{
        KyronWaker *waker;
        int count = 0;

        while ((waker = handle->woken.first)) {
                KyronAsyncRegistration *registration = waker->internal.registration;
                int error = registration->closing
                                    ? error_set(ECANCELED, "what the operation waited on is closed")
                                    : 0;

                waker_list_remove(&handle->woken, waker);
                registration->woken--;
                if (waker->wake) {
                        waker->internal.state = WAKER_IDLE;
                        pthread_mutex_unlock(&handle->lock);
                        waker->wake(waker);
                        pthread_mutex_lock(&handle->lock);
                } else {
                        waker->internal.state = WAKER_RUNNING;
                        registration->running++;
                        operation_run(operation_of(waker), error);
                }
                count++;
        }
        return count + request_run_ended(handle);
}

/* Whether there is something to run. Lock held. */
static bool has_woken(const KyronIoDriverHandle *handle)
{
        return handle->woken.first || !TAILQ_EMPTY(&handle->requests.ended);
}

/* For whoever waits, if anybody can: in process_io, or for the descriptor. */
static void tell_unparked(KyronIoDriverHandle *handle)
{
        if (!handle->unparked || handle->unpark_written || !(handle->parked || handle->has_watcher))
                return;
        handle->unpark_written = true;
        eventfd_write(handle->wake_fd, 1);
}

void io_driver_handle_unpark(KyronIoDriverHandle *handle)
{
        if (!handle->parked && handle->in_process_io)
                return;
        handle->unparked = true;
        tell_unparked(handle);
}

/* Takes back what unparking and waking wrote; true when somebody called wake. Lock held. */
static bool take_unpark(KyronIoDriverHandle *handle)
{
        eventfd_t value = 0;

        eventfd_read(handle->wake_fd, &value);
        handle->unparked = handle->unpark_written = false;
        return value >= WAKE_VALUE;
}

void kyron_io_driver_handle_wake(KyronIoDriverHandle *handle)
{
        eventfd_write(handle->wake_fd, WAKE_VALUE);
}

/* Lock held, but not while it waits. */
static int wait_for_events(KyronIoDriverHandle *handle, SelectorEvent *events, int timeout_ms)
{
        int n;

        outbox_flush(handle);
        /* What unparked us is done now. */
        handle->unparked = false;
        if ((handle->unpark_written && take_unpark(handle)) || has_woken(handle))
                timeout_ms = 0;
        if (handle->retry_soon && (timeout_ms < 0 || timeout_ms > RETRY_MS))
                timeout_ms = RETRY_MS;
        handle->parked = timeout_ms != 0;
        pthread_mutex_unlock(&handle->lock);

        n = busy_poll_wait(&handle->busy_poll, &handle->selector, events, SELECTOR_EVENTS_MAX,
                           timeout_ms);

        pthread_mutex_lock(&handle->lock);
        handle->parked = false;
        return n;
}

static int on_daemon(KyronIoDriverHandle *handle, Readiness readiness)
{
        if (handle->socket_fd < 0)
                return 0; /* lost just now */
        if (handle->outage.state != OUTAGE_NONE) {
                outage_on_greeted(handle);
                return 0;
        }
        if (readiness & READINESS_WRITABLE) {
                pthread_mutex_lock(&handle->lock);
                handle->remove_wants_room = false;
                pthread_mutex_unlock(&handle->lock);
        }
        return readiness & ~READINESS_WRITABLE ? inbox_receive(handle) : 0;
}

/* Returns how many wakers and operations were run. */
static int on_event(KyronIoDriverHandle *handle, const SelectorEvent *event)
{
        switch (event->id) {
        case IO_ID_DAEMON:
                return on_daemon(handle, event->readiness);
        case IO_ID_TIMER:
                outage_on_timer(handle);
                return 0;
        case IO_ID_UNPARKER:
                pthread_mutex_lock(&handle->lock);
                take_unpark(handle);
                pthread_mutex_unlock(&handle->lock);
                return 0;
        default:
                pthread_mutex_lock(&handle->lock);
                local_driver_wake(handle, event);
                pthread_mutex_unlock(&handle->lock);
                return 0;
        }
}

/* Lock held, but not while it waits or anything of the program's runs. */
static int turn(KyronIoDriverHandle *handle, int timeout_ms)
{
        SelectorEvent events[SELECTOR_EVENTS_MAX];
        int count = io_driver_handle_run_woken(handle);
        int n = wait_for_events(handle, events, count > 0 ? 0 : timeout_ms);

        pthread_mutex_unlock(&handle->lock);
        for (int i = 0; i < n; i++)
                count += on_event(handle, &events[i]);
        pthread_mutex_lock(&handle->lock);
        count += io_driver_handle_run_woken(handle);
        outage_report(handle);
        outbox_flush(handle);
        return n < 0 && count == 0 ? n : count;
}

int kyron_io_driver_handle_process_io(KyronIoDriverHandle *handle, int timeout_ms)
{
        int r = io_driver_handle_check_process(handle);
        bool gone;

        if (r < 0)
                return r;
        pthread_mutex_lock(&handle->lock);
        if (handle->in_process_io) {
                pthread_mutex_unlock(&handle->lock);
                return error_set(EBUSY, "process_io() is running already");
        }
        handle->in_process_io = true;
        r = turn(handle, handle->gone ? 0 : timeout_ms);
        /* What another thread leaves here from now on unparks. */
        handle->in_process_io = false;
        if (has_woken(handle) || handle->retry_soon)
                io_driver_handle_unpark(handle);
        gone = handle->gone;
        pthread_mutex_unlock(&handle->lock);
        if (gone)
                return error_set(EHOSTDOWN, "%s", handle->gone_text);
        return r < 0 ? error_set(-r, "process_io: %s", strerror(-r)) : r;
}

/* ---- Sessions ------------------------------------------------------------------------------ */

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

static void begin_session(KyronIoDriverHandle *handle, const DaemonConnection *connection)
{
        handle->session = connection->session;
        handle->outage.epoch = connection->epoch;
        slot_table_set_limit(&handle->slots, connection->registrations_max);
}

void io_driver_handle_welcome(KyronIoDriverHandle *handle, const DaemonConnection *connection)
{
        if (handle->outage.epoch == connection->epoch)
                give_up_shared(handle);
        begin_session(handle, connection);
        endpoint_wake_all(handle);
}

/* ---- Opening and closing ------------------------------------------------------------------- */

/* What it keeps in its Selector; the daemon's socket if there is one. */
static int open_descriptors(KyronIoDriverHandle *handle)
{
        int r = selector_open(&handle->selector);

        handle->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        handle->outage.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (r == 0 && (handle->wake_fd < 0 || handle->outage.timer_fd < 0))
                r = -errno;
        if (r == 0)
                r = selector_add_level(&handle->selector, handle->wake_fd, IO_ID_UNPARKER,
                                       READINESS_READABLE);
        if (r == 0 && handle->socket_fd >= 0)
                r = selector_add_level(&handle->selector, handle->socket_fd, IO_ID_DAEMON,
                                       READINESS_READABLE);
        return r;
}

int kyron_io_driver_handle_open(KyronIoDriverHandle **out, const KyronOptions *options)
{
        static pthread_once_t watching_forks = PTHREAD_ONCE_INIT;
        DaemonConnection connection = {.fd = -1, .registrations_max = IO_ID_SLOT_MAX};
        KyronIoDriverHandle *handle;
        char why[ERROR_TEXT_MAX];
        Outage outage;
        int r;

        pthread_once(&watching_forks, watch_forks);
        outage_init(&outage, options);
        r = daemon_connection_open(&connection, options ? options->socket_path : NULL,
                                   options ? options->program : NULL);
        if (r < 0 && !outage_begins_with(&outage, r))
                return r;
        snprintf(why, sizeof(why), "%s", error_text());
        handle = malloc(sizeof(*handle));
        if (!handle) {
                if (connection.fd >= 0)
                        close(connection.fd);
                return error_set(ENOMEM, "no memory for a handle");
        }
        memset(handle, 0, offsetof(KyronIoDriverHandle, arena));
        pthread_mutex_init(&handle->lock, NULL);
        handle->selector = (Selector)SELECTOR_INIT;
        handle->socket_fd = connection.fd;
        handle->outage = outage;
        handle->fork_count = fork_count;
        TAILQ_INIT(&handle->queue);
        TAILQ_INIT(&handle->endpoints);
        TAILQ_INIT(&handle->taken);
        TAILQ_INIT(&handle->to_claim);
        request_table_init(&handle->requests);
        slot_table_init(&handle->slots, connection.registrations_max);
        frame_arena_init(&handle->arena);
        busy_poll_init(&handle->busy_poll, options ? options->busy_poll_us : 0);
        begin_session(handle, &connection);

        r = open_descriptors(handle);
        if (r < 0) {
                kyron_io_driver_handle_close(handle);
                return error_set(-r, "no descriptors for a handle: %s", strerror(-r));
        }
        if (handle->socket_fd < 0)
                outage_begin(handle, why);
        handle->outage.told = kyron_io_driver_handle_served_by(handle);
        *out = handle;
        return 0;
}

void kyron_io_driver_handle_close(KyronIoDriverHandle *handle)
{
        if (!handle)
                return;
        if (io_driver_handle_check_process(handle) == 0) {
                pthread_mutex_lock(&handle->lock);
                request_end_all(handle, -ECANCELED);
                io_driver_handle_run_woken(handle);
                /* What was closed last: nobody else is to be given it. */
                outbox_flush(handle);
                pthread_mutex_unlock(&handle->lock);
                request_table_deinit(&handle->requests);
                pthread_mutex_destroy(&handle->lock);
        }
        selector_close(&handle->selector);
        if (handle->socket_fd >= 0)
                close(handle->socket_fd);
        if (handle->wake_fd >= 0)
                close(handle->wake_fd);
        if (handle->outage.timer_fd >= 0)
                close(handle->outage.timer_fd);
        slot_table_deinit(&handle->slots);
        free(handle);
}

int kyron_io_driver_handle_fd(KyronIoDriverHandle *handle)
{
        int r = io_driver_handle_check_process(handle);

        if (r < 0)
                return r;
        pthread_mutex_lock(&handle->lock);
        handle->has_watcher = true;
        tell_unparked(handle);
        pthread_mutex_unlock(&handle->lock);
        return handle->selector.epoll_fd;
}

uint64_t kyron_io_driver_handle_session(KyronIoDriverHandle *handle)
{
        uint64_t session;

        pthread_mutex_lock(&handle->lock);
        session = handle->session;
        pthread_mutex_unlock(&handle->lock);
        return session;
}
