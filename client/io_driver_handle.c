/* The client's end of a session, and process_io. See io_driver_handle.h. */
#include "client/io_driver_handle.h"

#include "client/daemon_connection.h"
#include "client/operation.h"
#include "client/outbox.h"
#include "core/cleanup.h"
#include "proto/frame_socket.h"

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

/* ---- Receiving ----------------------------------------------------------------------------- */

static void lose_daemon(KyronIoDriverHandle *handle, const char *why)
{
        if (handle->gone)
                return;
        handle->gone = true;
        snprintf(handle->gone_text, sizeof(handle->gone_text), "%s", why);
        /* Out of the selector first: a child of fork() may hold the socket open. */
        selector_remove(&handle->selector, handle->socket_fd);
        close(STEAL_FD(handle->socket_fd));
        for (uint32_t slot = 0; slot < handle->slots.size; slot++) {
                if (handle->slots.slots[slot].registration)
                        async_registration_wake_all(handle->slots.slots[slot].registration);
        }
}

static int run_woken(KyronIoDriverHandle *handle)
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
        return count;
}

static int on_readiness(KyronIoDriverHandle *handle, const Iod__Readiness *readiness)
{
        pthread_mutex_lock(&handle->lock);
        for (size_t i = 0; i < readiness->n_event; i++) {
                KyronAsyncRegistration *registration =
                        slot_table_recreate(&handle->slots, io_id_unpack(readiness->event[i]));

                if (registration)
                        async_registration_wake(registration,
                                                io_id_unpack_readiness(readiness->event[i]) &
                                                        READINESS_ALL);
        }
        pthread_mutex_unlock(&handle->lock);
        return run_woken(handle);
}

/* A limit was reached; there may be room another time. Only new registrations meet these. */
static bool is_for_want_of_room(int error)
{
        return error == EDQUOT || error == ENOSPC;
}

/* The next wait registers anew. Lock held. */
static void forget_refusal(KyronAsyncRegistration *registration)
{
        outbox_forget(registration->handle, registration, true);
        registration->id = IO_ID_NONE;
        registration->armed = 0;
        registration->error = 0;
}

/* Runs what waited for each refused source by itself, so that its completion finds its sentence. */
static int on_refused_sources(KyronIoDriverHandle *handle, const Iod__Refused *refused)
{
        int count = 0;

        for (size_t i = 0; i < refused->n_source; i++) {
                const Iod__RefusedSource *source = refused->source[i];
                KyronAsyncRegistration *registration;

                pthread_mutex_lock(&handle->lock);
                registration = slot_table_recreate(&handle->slots, source->id);
                if (registration) {
                        registration->error = source->error > 0 ? -source->error : -EPROTO;
                        async_registration_wake_all(registration);
                }
                handle->refused = registration;
                handle->refused_text = source->text;
                pthread_mutex_unlock(&handle->lock);
                count += run_woken(handle);
                pthread_mutex_lock(&handle->lock);
                handle->refused = NULL;
                registration = slot_table_recreate(&handle->slots, source->id);
                if (registration && is_for_want_of_room(source->error))
                        forget_refusal(registration);
                pthread_mutex_unlock(&handle->lock);
        }
        return count;
}

static int handle_frame(KyronIoDriverHandle *handle, const Iod__Frame *frame)
{
        char why[ERROR_TEXT_MAX];

        switch (frame->body_case) {
        case IOD__FRAME__BODY_READINESS:
                return on_readiness(handle, frame->readiness);
        case IOD__FRAME__BODY_REFUSED:
                if (frame->refused->session_ends) {
                        snprintf(why, sizeof(why), "the daemon ended the session: %s",
                                 frame->refused->text);
                        pthread_mutex_lock(&handle->lock);
                        lose_daemon(handle, why);
                        pthread_mutex_unlock(&handle->lock);
                        return run_woken(handle);
                }
                return on_refused_sources(handle, frame->refused);
        default:
                /* From a newer daemon, and not asked for. */
                return 0;
        }
}

/* Receives one packet and runs what it brought. */
static int receive(KyronIoDriverHandle *handle)
{
        FdList fds = {.count = 0};
        Iod__Frame *frame;
        int size = frame_socket_receive(handle->socket_fd, handle->bytes, FRAME_BYTES_MAX, &fds);
        int r;

        /* The daemon closed with packets of ours unread: what it sent before comes after that. */
        if (size == -ECONNRESET)
                size = frame_socket_receive(handle->socket_fd, handle->bytes, FRAME_BYTES_MAX,
                                            &fds);
        if (size == -EAGAIN)
                return 0;
        r = size > 0 ? frame_decode(&handle->arena, handle->bytes, (size_t)size, fds.count, &frame)
                     : -EPIPE;
        fd_list_close(&fds);
        if (r == 0)
                return handle_frame(handle, frame);
        pthread_mutex_lock(&handle->lock);
        lose_daemon(handle, r == -EPIPE ? "the daemon has gone" : error_text());
        pthread_mutex_unlock(&handle->lock);
        return run_woken(handle);
}

/* ---- One turn ------------------------------------------------------------------------------ */

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
        if (handle->woken.first || handle->retry_soon)
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
        if ((handle->unparked && take_unpark(handle)) || handle->woken.first)
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
        int count = run_woken(handle);
        int n = wait_for_daemon(handle, events, count > 0 ? 0 : timeout_ms);

        for (int i = 0; i < n; i++) {
                pthread_mutex_lock(&handle->lock);
                if (events[i].id == IO_ID_UNPARKER)
                        take_unpark(handle);
                else if (events[i].readiness & READINESS_WRITABLE)
                        handle->remove_wants_room = false;
                pthread_mutex_unlock(&handle->lock);
                if (events[i].id == IO_ID_DAEMON && events[i].readiness & ~READINESS_WRITABLE)
                        count += receive(handle);
        }
        count += run_woken(handle);
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
                run_woken(handle);
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
