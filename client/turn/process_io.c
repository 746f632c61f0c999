/* One turn of the handle. See process_io.h. */
#include "client/turn/process_io.h"

#include "client/handle/io_driver_handle.h"
#include "client/readiness/local_driver.h"
#include "client/turn/flush.h"
#include "client/turn/inbox.h"
#include "client/turn/moving.h"
#include "client/turn/outage.h"
#include "client/turn/woken.h"
#include "core/clock.h"

#include <errno.h>
#include <string.h>

/* What it has come to so far. */
typedef struct Turn {
        int count;     /* wakers and operations that were run */
        bool is_woken; /* by kyron_io_driver_handle_wake() */
} Turn;

/* Lock held, but not while it waits. */
static int wait_for_events(KyronIoDriverHandle *handle, Turn *turn, SelectorEvent *events,
                           int timeout_ms)
{
        bool is_local;
        int n;

        flush_all(handle);
        /* What unparked us is done now. */
        handle->unparked = false;
        if (handle->unpark_written && io_driver_handle_take_unpark(handle))
                turn->is_woken = true;
        if (turn->is_woken || woken_is_any(handle))
                timeout_ms = 0;
        if (handle->retry_soon && (timeout_ms < 0 || timeout_ms > PROCESS_IO_RETRY_MS))
                timeout_ms = PROCESS_IO_RETRY_MS;
        handle->parked = timeout_ms != 0;
        is_local = outage_is_local(handle);
        if (timeout_ms != 0)
                pulse_wait(&handle->pulse, io_driver_handle_count_registrations(handle));
        pthread_mutex_unlock(&handle->lock);

        n = is_local ? selector_wait(&handle->selector, events, SELECTOR_EVENTS_MAX, timeout_ms)
                     : busy_poll_wait(&handle->busy_poll, &handle->selector, events,
                                      SELECTOR_EVENTS_MAX, timeout_ms);

        pthread_mutex_lock(&handle->lock);
        handle->parked = false;
        pulse_run(&handle->pulse);
        /* Everybody has a portion again. */
        atomic_fetch_add_explicit(&handle->turns, 1, memory_order_relaxed);
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

static void on_event(KyronIoDriverHandle *handle, Turn *turn, const SelectorEvent *event)
{
        switch (event->id) {
        case IO_ID_DAEMON:
                turn->count += on_daemon(handle, event->readiness);
                return;
        case IO_ID_TIMER:
                outage_on_timer(handle);
                return;
        case IO_ID_QUIET:
                pthread_mutex_lock(&handle->lock);
                moving_on_timer(handle);
                pthread_mutex_unlock(&handle->lock);
                return;
        case IO_ID_UNPARKER:
                pthread_mutex_lock(&handle->lock);
                if (io_driver_handle_take_unpark(handle))
                        turn->is_woken = true;
                pthread_mutex_unlock(&handle->lock);
                return;
        default:
                pthread_mutex_lock(&handle->lock);
                local_driver_wake(handle, event);
                pthread_mutex_unlock(&handle->lock);
        }
}

/* Waits once, and does what comes of it; or -errno. Lock held, but not while it waits or anything
 * of the program's runs. */
static int wait_once(KyronIoDriverHandle *handle, Turn *turn, int timeout_ms)
{
        SelectorEvent events[SELECTOR_EVENTS_MAX];
        int n = wait_for_events(handle, turn, events, turn->count > 0 ? 0 : timeout_ms);

        pthread_mutex_unlock(&handle->lock);
        for (int i = 0; i < n; i++)
                on_event(handle, turn, &events[i]);
        pthread_mutex_lock(&handle->lock);
        turn->count += woken_run(handle);
        if (n > 0)
                handle_delivery_on_turn(&handle->delivery);
        outage_report(handle);
        flush_all(handle);
        return n;
}

static int time_left(uint64_t end_ms)
{
        uint64_t now = clock_now_ms();

        return now < end_ms ? (int)(end_ms - now) : 0;
}

/* Until something was run, it is woken, or the time is up: what else comes from the daemon is
 * between the two. Lock held, but not while it waits or anything of the program's runs. */
static int take_turn(KyronIoDriverHandle *handle, int timeout_ms)
{
        const uint64_t end_ms = timeout_ms > 0 ? clock_now_ms() + (unsigned)timeout_ms : 0;
        Turn turn = {.count = woken_run(handle)};
        int n;

        do {
                n = wait_once(handle, &turn, timeout_ms);
                if (timeout_ms > 0)
                        timeout_ms = time_left(end_ms);
        } while (n >= 0 && turn.count == 0 && !turn.is_woken && !handle->gone && timeout_ms != 0);
        return n < 0 && turn.count == 0 ? n : turn.count;
}

int kyron_io_driver_handle_process_io(KyronIoDriverHandle *handle, int timeout_ms)
{
        int r = io_driver_handle_check_process(handle);
        bool gone;

        if (r < 0)
                return r;
        pthread_mutex_lock(&handle->lock);
        if (atomic_load(&handle->driver) != 0) {
                pthread_mutex_unlock(&handle->lock);
                return error_set(EBUSY, "process_io() is running already");
        }
        atomic_store(&handle->driver, io_driver_handle_self());
        r = take_turn(handle, handle->gone ? 0 : timeout_ms);
        /* Another loop may wait for the handle until the next. */
        if (handle->has_watcher)
                pulse_wait(&handle->pulse, io_driver_handle_count_registrations(handle));
        /* What another thread leaves here from now on unparks. */
        atomic_store(&handle->driver, 0);
        if (woken_is_any(handle) || handle->retry_soon)
                io_driver_handle_unpark(handle);
        gone = handle->gone;
        pthread_mutex_unlock(&handle->lock);
        if (gone)
                return error_set(EHOSTDOWN, "%s", handle->gone_text);
        return r < 0 ? error_set(-r, "process_io: %s", strerror(-r)) : r;
}
