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
static int wait_for_events(KyronIoDriverHandle *handle, Turn *turn, int timeout_ms)
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
        is_local = io_driver_handle_serves_itself(handle);
        if (timeout_ms != 0)
                pulse_wait(&handle->pulse, io_driver_handle_count_registrations(handle));
        pthread_mutex_unlock(&handle->lock);

        n = is_local ? selector_wait(&handle->selector, handle->events, HANDLE_EVENTS_MAX,
                                     timeout_ms)
                     : busy_poll_wait(&handle->busy_poll, &handle->selector, handle->events,
                                      HANDLE_EVENTS_MAX, timeout_ms);

        pthread_mutex_lock(&handle->lock);
        handle->parked = false;
        pulse_run(&handle->pulse);
        /* Everybody has a portion again. Nobody else counts. */
        atomic_store_explicit(&handle->turns,
                              atomic_load_explicit(&handle->turns, memory_order_relaxed) + 1,
                              memory_order_relaxed);
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

/* Lock held: of a thousand registrations' events it is taken once. What else there is does without
 * it. */
static void on_event(KyronIoDriverHandle *handle, Turn *turn, const SelectorEvent *event)
{
        switch (selector_event_id(event)) {
        case IO_ID_DAEMON:
                pthread_mutex_unlock(&handle->lock);
                turn->count += on_daemon(handle, selector_event_readiness(event));
                pthread_mutex_lock(&handle->lock);
                return;
        case IO_ID_TIMER:
                pthread_mutex_unlock(&handle->lock);
                outage_on_timer(handle);
                pthread_mutex_lock(&handle->lock);
                return;
        case IO_ID_QUIET:
                moving_on_timer(handle);
                return;
        case IO_ID_UNPARKER:
                if (io_driver_handle_take_unpark(handle))
                        turn->is_woken = true;
                return;
        default:
                local_driver_wake(handle, event);
        }
}

/* Waits once, and does what comes of it; or -errno. Lock held, but not while it waits or anything
 * of the program's runs. */
static int wait_once(KyronIoDriverHandle *handle, Turn *turn, int timeout_ms)
{
        int n = wait_for_events(handle, turn, turn->count > 0 ? 0 : timeout_ms);

        for (int i = 0; i < n; i++)
                on_event(handle, turn, &handle->events[i]);
        turn->count += woken_run(handle);
        if (n > 0)
                handle_delivery_on_turn(&handle->delivery);
        outage_report(handle);
        flush_all(handle);
        return n;
}

/* Of timeout_ms since began_ms, by the coarse clock: up to a tick of it is lost. */
static int time_left(int timeout_ms, uint64_t began_ms)
{
        uint64_t passed;

        if (timeout_ms <= 0)
                return timeout_ms;
        passed = clock_now_ms() - began_ms;
        return passed < (unsigned)timeout_ms ? timeout_ms - (int)passed : 0;
}

/* Until something was run, it is woken, or the time is up: what else comes from the daemon is
 * between the two, and only then it is asked how late it is. Lock held, but not while it waits or
 * anything of the program's runs. */
static int take_turn(KyronIoDriverHandle *handle, int timeout_ms)
{
        const uint64_t began_ms = timeout_ms > 0 ? clock_coarse_ms() : 0;
        Turn turn = {.count = woken_run(handle)};
        int left_ms = timeout_ms;
        int n;

        do {
                n = wait_once(handle, &turn, left_ms);
        } while (n >= 0 && turn.count == 0 && !turn.is_woken && !handle->gone &&
                 (left_ms = time_left(timeout_ms, began_ms)) != 0);
        return n < 0 && turn.count == 0 ? n : turn.count;
}

int kyron_io_driver_handle_process_io(KyronIoDriverHandle *handle, int timeout_ms)
{
        int r = io_driver_handle_check_process(handle);
        bool gone;

        if (r < 0)
                return r;
        pthread_mutex_lock(&handle->lock);
        if (atomic_load_explicit(&handle->driver, memory_order_relaxed) != 0) {
                pthread_mutex_unlock(&handle->lock);
                return error_set(EBUSY, "process_io() is running already");
        }
        atomic_store_explicit(&handle->driver, io_driver_handle_self(), memory_order_relaxed);
        r = take_turn(handle, handle->gone ? 0 : timeout_ms);
        /* Another loop may wait for the handle until the next. */
        if (handle->has_watcher)
                pulse_wait(&handle->pulse, io_driver_handle_count_registrations(handle));
        /* What another thread leaves here from now on unparks. */
        atomic_store_explicit(&handle->driver, 0, memory_order_relaxed);
        if (woken_is_any(handle) || handle->retry_soon)
                io_driver_handle_unpark(handle);
        gone = handle->gone;
        pthread_mutex_unlock(&handle->lock);
        if (gone)
                return error_set(EHOSTDOWN, "%s", handle->gone_text);
        return r < 0 ? error_set(-r, "process_io: %s", strerror(-r)) : r;
}
