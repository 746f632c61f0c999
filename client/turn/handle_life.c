/* Opening and closing a handle. */
#include "client/handle/io_driver_handle.h"
#include "client/requests/request.h"
#include "client/turn/flush.h"
#include "client/turn/moving.h"
#include "client/turn/outage.h"
#include "client/turn/woken.h"
#include "core/standard_descriptors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* What it keeps in its Selector; the daemon's socket if there is one. */
static int open_descriptors(KyronIoDriverHandle *handle)
{
        int r = selector_open(&handle->selector);

        handle->wake_fd = standard_descriptors_avoid(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        handle->outage.timer_fd = standard_descriptors_avoid(
                timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
        handle->alive.borrow_timer_fd = handle->outage.timer_fd;
        if (r == 0 && (handle->wake_fd < 0 || handle->outage.timer_fd < 0))
                r = -errno;
        if (r == 0)
                pulse_tell_set(&handle->pulse, handle->selector.epoll_fd);
        if (r == 0)
                r = selector_add_level(&handle->selector, handle->wake_fd, IO_ID_UNPARKER,
                                       READINESS_READABLE);
        if (r == 0)
                r = selector_add_level(&handle->selector, handle->outage.timer_fd, IO_ID_TIMER,
                                       READINESS_READABLE);
        if (r == 0 && handle->socket_fd >= 0)
                r = selector_add_level(&handle->selector, handle->socket_fd, IO_ID_DAEMON,
                                       READINESS_READABLE);
        return r;
}

int kyron_io_driver_handle_open(KyronIoDriverHandle **out, const KyronOptions *options)
{
        DaemonConnection connection = {
                .fd = -1,
                .pulse_fd = -1,
                .registrations_max = IO_ID_SLOT_MAX,
        };
        KyronIoDriverHandle *handle;
        char why[ERROR_TEXT_MAX];
        Outage outage;
        int r;

        outage_init(&outage, options);
        r = daemon_connection_open(&connection, options ? options->socket_path : NULL,
                                   options ? options->program : NULL, true);
        if (r < 0 && !outage_begins_with(&outage, r))
                return r;
        snprintf(why, sizeof(why), "%s", error_text());
        handle = malloc(sizeof(*handle));
        if (!handle) {
                if (connection.fd >= 0)
                        close(connection.fd);
                if (connection.pulse_fd >= 0)
                        close(connection.pulse_fd);
                return error_set(ENOMEM, "no memory for a handle");
        }
        memset(handle, 0, offsetof(KyronIoDriverHandle, arena));
        pthread_mutex_init(&handle->lock, NULL);
        handle->selector = (Selector)SELECTOR_INIT;
        handle->socket_fd = connection.fd;
        handle->outage = outage;
        handle->fork_count = io_driver_handle_count_forks();
        TAILQ_INIT(&handle->queue);
        TAILQ_INIT(&handle->endpoints);
        TAILQ_INIT(&handle->taken);
        TAILQ_INIT(&handle->to_claim);
        TAILQ_INIT(&handle->taken_listeners);
        request_table_init(&handle->requests);
        slot_table_init(&handle->slots, connection.registrations_max);
        frame_arena_init(&handle->arena);
        busy_poll_init(&handle->busy_poll, options ? options->busy_poll_us : 0);
        handle_delivery_init(&handle->delivery, options ? options->delivery : KYRON_DELIVERY_AUTO);
        alive_init(&handle->alive, options ? options->alive_ms : 0);
        outage_begin_session(handle, &connection);

        r = open_descriptors(handle);
        if (r < 0) {
                kyron_io_driver_handle_close(handle);
                return error_set(-r, "no descriptors for a handle: %s", strerror(-r));
        }
        if (handle->socket_fd < 0)
                outage_begin(handle, why);
        else
                moving_settle(handle);
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
                while (woken_is_any(handle))
                        woken_run(handle);
                /* What was closed last: nobody else is to be given it. */
                flush_all(handle);
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
        if (handle->delivery.timer_fd >= 0)
                close(handle->delivery.timer_fd);
        pulse_unmap(&handle->pulse);
        slot_table_deinit(&handle->slots);
        free(handle);
}
