/* One turn of the handle. See process_io.h. */
#include "client/turn/process_io.h"

#include "client/handle/io_driver_handle.h"
#include "client/readiness/local_driver.h"
#include "client/turn/flush.h"
#include "client/turn/inbox.h"
#include "client/turn/outage.h"
#include "client/turn/woken.h"

#include <errno.h>
#include <string.h>

/* Lock held, but not while it waits. */
static int wait_for_events(KyronIoDriverHandle *handle, SelectorEvent *events, int timeout_ms)
{
        int n;

        flush_all(handle);
        /* What unparked us is done now. */
        handle->unparked = false;
        if ((handle->unpark_written && io_driver_handle_take_unpark(handle)) ||
            woken_is_any(handle))
                timeout_ms = 0;
        if (handle->retry_soon && (timeout_ms < 0 || timeout_ms > PROCESS_IO_RETRY_MS))
                timeout_ms = PROCESS_IO_RETRY_MS;
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
                io_driver_handle_take_unpark(handle);
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
        int count = woken_run(handle);
        int n = wait_for_events(handle, events, count > 0 ? 0 : timeout_ms);

        pthread_mutex_unlock(&handle->lock);
        for (int i = 0; i < n; i++)
                count += on_event(handle, &events[i]);
        pthread_mutex_lock(&handle->lock);
        count += woken_run(handle);
        outage_report(handle);
        flush_all(handle);
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
        if (woken_is_any(handle) || handle->retry_soon)
                io_driver_handle_unpark(handle);
        gone = handle->gone;
        pthread_mutex_unlock(&handle->lock);
        if (gone)
                return error_set(EHOSTDOWN, "%s", handle->gone_text);
        return r < 0 ? error_set(-r, "process_io: %s", strerror(-r)) : r;
}
