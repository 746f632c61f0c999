/* The client's end of a session, and process_io. See io_driver_handle.h. */
#include "client/io_driver_handle.h"

#include "client/daemon_connection.h"
#include "client/inbox.h"
#include "client/operation.h"
#include "client/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
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

        pthread_mutex_lock(&handle->lock);
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
                } else {
                        waker->internal.state = WAKER_RUNNING;
                        registration->running++;
                        pthread_mutex_unlock(&handle->lock);
                        operation_run(operation_of(waker), error);
                }
                count++;
                pthread_mutex_lock(&handle->lock);
        }
        pthread_mutex_unlock(&handle->lock);
        return count + request_run_ended(handle);
}

/* Whether there is something to run. Lock held. */
static bool has_woken(const KyronIoDriverHandle *handle)
{
        return handle->woken.first || !TAILQ_EMPTY(&handle->requests.ended);
}

void io_driver_handle_unpark(KyronIoDriverHandle *handle)
{
        if (handle->unparked || (!handle->parked && handle->in_process_io))
                return;
        handle->unparked = true;
        eventfd_write(handle->wake_fd, 1);
}

/* Takes back what unparking and waking wrote; true when somebody called wake. Lock held. */
static bool take_unpark(KyronIoDriverHandle *handle)
{
        eventfd_t value = 0;

        eventfd_read(handle->wake_fd, &value);
        handle->unparked = false;
        return value >= WAKE_VALUE;
}

void kyron_io_driver_handle_wake(KyronIoDriverHandle *handle)
{
        eventfd_write(handle->wake_fd, WAKE_VALUE);
}

static bool enter(KyronIoDriverHandle *handle)
{
        bool entered;

        pthread_mutex_lock(&handle->lock);
        entered = !handle->in_process_io;
        handle->in_process_io = true;
        pthread_mutex_unlock(&handle->lock);
        return entered;
}

/* What another thread leaves here after this finds in_process_io unset, and unparks. */
static bool leave(KyronIoDriverHandle *handle)
{
        bool gone;

        pthread_mutex_lock(&handle->lock);
        outbox_flush(handle);
        handle->in_process_io = false;
        if (has_woken(handle) || handle->retry_soon)
                io_driver_handle_unpark(handle);
        gone = handle->gone;
        pthread_mutex_unlock(&handle->lock);
        return gone;
}

static int wait_for_daemon(KyronIoDriverHandle *handle, SelectorEvent events[static 2],
                           int timeout_ms)
{
        int n;

        pthread_mutex_lock(&handle->lock);
        outbox_flush(handle);
        /* What unparked us is done now. */
        if ((handle->unparked && take_unpark(handle)) || has_woken(handle))
                timeout_ms = 0;
        if (handle->retry_soon && (timeout_ms < 0 || timeout_ms > RETRY_MS))
                timeout_ms = RETRY_MS;
        handle->parked = timeout_ms != 0;
        pthread_mutex_unlock(&handle->lock);

        n = selector_wait(&handle->selector, events, 2, timeout_ms);

        pthread_mutex_lock(&handle->lock);
        handle->parked = false;
        pthread_mutex_unlock(&handle->lock);
        return n;
}

static int turn(KyronIoDriverHandle *handle, int timeout_ms)
{
        SelectorEvent events[2];
        int count = io_driver_handle_run_woken(handle);
        int n = wait_for_daemon(handle, events, count > 0 ? 0 : timeout_ms);

        for (int i = 0; i < n; i++) {
                pthread_mutex_lock(&handle->lock);
                if (events[i].id == IO_ID_UNPARKER)
                        take_unpark(handle);
                else if (events[i].readiness & READINESS_WRITABLE)
                        handle->remove_wants_room = false;
                pthread_mutex_unlock(&handle->lock);
                if (events[i].id == IO_ID_DAEMON && events[i].readiness & ~READINESS_WRITABLE)
                        count += inbox_receive(handle);
        }
        count += io_driver_handle_run_woken(handle);
        return n < 0 && count == 0 ? n : count;
}

int kyron_io_driver_handle_process_io(KyronIoDriverHandle *handle, int timeout_ms)
{
        int r = io_driver_handle_check_process(handle);

        if (r < 0)
                return r;
        if (!enter(handle))
                return error_set(EBUSY, "process_io() is running already");
        r = turn(handle, handle->gone ? 0 : timeout_ms);
        if (leave(handle))
                return error_set(EHOSTDOWN, "%s", handle->gone_text);
        return r < 0 ? error_set(-r, "process_io: %s", strerror(-r)) : r;
}

/* ---- Opening and closing ------------------------------------------------------------------- */

int kyron_io_driver_handle_open(KyronIoDriverHandle **out, const KyronOptions *options)
{
        static pthread_once_t watching_forks = PTHREAD_ONCE_INIT;
        DaemonConnection connection;
        KyronIoDriverHandle *handle;
        int r;

        pthread_once(&watching_forks, watch_forks);
        r = daemon_connection_open(&connection, options ? options->socket_path : NULL,
                                   options ? options->program : NULL);
        if (r < 0)
                return r;
        handle = malloc(sizeof(*handle));
        if (!handle) {
                close(connection.fd);
                return error_set(ENOMEM, "no memory for a handle");
        }
        memset(handle, 0, offsetof(KyronIoDriverHandle, arena));
        pthread_mutex_init(&handle->lock, NULL);
        handle->selector = (Selector)SELECTOR_INIT;
        handle->socket_fd = connection.fd;
        handle->session = connection.session;
        handle->fork_count = fork_count;
        TAILQ_INIT(&handle->queue);
        TAILQ_INIT(&handle->endpoints);
        TAILQ_INIT(&handle->taken);
        request_table_init(&handle->requests);
        slot_table_init(&handle->slots, connection.registrations_max);
        frame_arena_init(&handle->arena);

        handle->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        r = handle->wake_fd < 0 ? -errno : selector_open(&handle->selector);
        if (r == 0)
                r = selector_add_level(&handle->selector, handle->wake_fd, IO_ID_UNPARKER,
                                       READINESS_READABLE);
        if (r == 0)
                r = selector_add_level(&handle->selector, handle->socket_fd, IO_ID_DAEMON,
                                       READINESS_READABLE);
        if (r < 0) {
                kyron_io_driver_handle_close(handle);
                return error_set(-r, "no descriptors for a handle: %s", strerror(-r));
        }
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
                pthread_mutex_unlock(&handle->lock);
                io_driver_handle_run_woken(handle);
                request_table_deinit(&handle->requests);
                pthread_mutex_destroy(&handle->lock);
        }
        selector_close(&handle->selector);
        if (handle->socket_fd >= 0)
                close(handle->socket_fd);
        if (handle->wake_fd >= 0)
                close(handle->wake_fd);
        slot_table_deinit(&handle->slots);
        free(handle);
}

int kyron_io_driver_handle_fd(const KyronIoDriverHandle *handle)
{
        return handle->selector.epoll_fd;
}

uint64_t kyron_io_driver_handle_session(const KyronIoDriverHandle *handle)
{
        return handle->session;
}
