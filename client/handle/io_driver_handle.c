/* The client's end of a session. See io_driver_handle.h. */
#include "client/handle/io_driver_handle.h"

#include "core/clock.h"

#include <errno.h>
#include <sys/eventfd.h>

/* What wake writes: more than unparking, which writes 1 and is nobody's business outside. */
#define WAKE_VALUE (UINT64_C(1) << 32)

/* The forks between the process that loaded the library and this one. */
static unsigned fork_count;

static void count_fork(void)
{
        fork_count++;
}

static void watch_forks(void)
{
        pthread_atfork(NULL, NULL, count_fork);
}

unsigned io_driver_handle_count_forks(void)
{
        static pthread_once_t watching_forks = PTHREAD_ONCE_INIT;

        pthread_once(&watching_forks, watch_forks);
        return fork_count;
}

bool io_driver_handle_serves_itself(const KyronIoDriverHandle *handle)
{
        return handle->delivery.direct ||
               (handle->outage.state != OUTAGE_NONE && handle->outage.allows_local);
}

KyronServedBy io_driver_handle_served_by(const KyronIoDriverHandle *handle)
{
        if (handle->gone)
                return KYRON_SERVED_NO_MORE;
        if (handle->outage.state == OUTAGE_NONE)
                return handle->delivery.direct ? KYRON_SERVED_DIRECTLY : KYRON_SERVED_BY_DAEMON;
        return io_driver_handle_serves_itself(handle) ? KYRON_SERVED_LOCALLY : KYRON_SERVED_LATER;
}

uint32_t io_driver_handle_count_registrations(const KyronIoDriverHandle *handle)
{
        /* One that the daemon had no room for waits for its accept without a slot. */
        return handle->slots.count > handle->unaccepted ? handle->slots.count - handle->unaccepted
                                                        : 0;
}

uintptr_t io_driver_handle_self(void)
{
        static _Thread_local char self;

        return (uintptr_t)&self;
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
        if (!handle->parked && atomic_load_explicit(&handle->driver, memory_order_relaxed) != 0)
                return;
        handle->unparked = true;
        tell_unparked(handle);
}

bool io_driver_handle_take_unpark(KyronIoDriverHandle *handle)
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

int kyron_io_driver_handle_set_delivery(KyronIoDriverHandle *handle, KyronDelivery delivery)
{
        int r = io_driver_handle_check_process(handle);

        if (r < 0)
                return r;
        if (delivery > KYRON_DELIVERY_DIRECT)
                return error_set(EINVAL, "%d is no delivery: auto, relayed or direct",
                                 (int)delivery);
        pthread_mutex_lock(&handle->lock);
        handle_delivery_want(&handle->delivery, delivery, clock_coarse_ms());
        io_driver_handle_unpark(handle);
        pthread_mutex_unlock(&handle->lock);
        return 0;
}

uint64_t kyron_io_driver_handle_session(KyronIoDriverHandle *handle)
{
        uint64_t session;

        pthread_mutex_lock(&handle->lock);
        session = handle->session;
        pthread_mutex_unlock(&handle->lock);
        return session;
}

KyronServedBy kyron_io_driver_handle_served_by(KyronIoDriverHandle *handle)
{
        KyronServedBy by;

        pthread_mutex_lock(&handle->lock);
        by = io_driver_handle_served_by(handle);
        pthread_mutex_unlock(&handle->lock);
        return by;
}
