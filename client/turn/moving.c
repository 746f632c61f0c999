/* The registrations from the daemon to this process and back. See moving.h. */
#include "client/turn/moving.h"

#include "client/handle/sending.h"
#include "client/handle/timer_fd.h"
#include "client/readiness/local_driver.h"
#include "client/readiness/outbox.h"
#include "core/cleanup.h"
#include "core/clock.h"
#include "core/standard_descriptors.h"

#include <errno.h>
#include <unistd.h>

enum {
        /* By so much the coarse clock may be late. */
        CLOCK_TICK_MS = 10,
};

/* ---- Auto's timer -------------------------------------------------------------------------- */

static void arm(const HandleDelivery *delivery)
{
        timer_fd_set(delivery->timer_fd, delivery->pace.quiet_ms + CLOCK_TICK_MS);
}

static int open_timer(KyronIoDriverHandle *handle)
{
        CLEANUP(cleanup_close)
        int fd = standard_descriptors_avoid(
                timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
        int r;

        if (fd < 0)
                return -errno;
        r = selector_add_level(&handle->selector, fd, IO_ID_QUIET, READINESS_READABLE);
        if (r < 0)
                return r;
        handle->delivery.timer_fd = STEAL_FD(fd);
        arm(&handle->delivery);
        return 0;
}

static void close_timer(KyronIoDriverHandle *handle)
{
        selector_remove(&handle->selector, handle->delivery.timer_fd);
        close(STEAL_FD(handle->delivery.timer_fd));
}

/* It runs while auto is direct, and then only: without one, nothing would bring it back. */
static void keep_timer(KyronIoDriverHandle *handle)
{
        HandleDelivery *delivery = &handle->delivery;
        const bool is_due = delivery->wanted == KYRON_DELIVERY_AUTO && delivery->direct &&
                            delivery->pace.direct;

        if (is_due && delivery->timer_fd < 0 && open_timer(handle) < 0)
                delivery->is_unable = true;
        else if (!is_due && delivery->timer_fd >= 0)
                close_timer(handle);
}

void moving_on_timer(KyronIoDriverHandle *handle)
{
        HandleDelivery *delivery = &handle->delivery;
        uint64_t expiries;

        if (delivery->timer_fd < 0 ||
            read(delivery->timer_fd, &expiries, sizeof(expiries)) != sizeof(expiries))
                return;
        if (handle_delivery_decide(&delivery->pace, clock_coarse_ms()))
                arm(delivery);
}

/* ---- The move ------------------------------------------------------------------------------ */

static void go_direct(KyronIoDriverHandle *handle)
{
        HandleDelivery *delivery = &handle->delivery;
        int r;

        delivery->direct = true;
        r = local_driver_serve_all(handle);
        if ((r == -ENOSPC || r == -ENOMEM) && delivery->allowed & DELIVERY_ALLOWS_RELAYED) {
                /* What is served here by now leaves when the daemon has said that it has it. */
                delivery->direct = false;
                delivery->is_unable = true;
                handle->outage.handover = HANDOVER_SENT;
                return;
        }
        outbox_withdraw_all(handle);
        handle->outage.handover = HANDOVER_NONE;
        delivery->moves_back = false;
}

static void go_relayed(KyronIoDriverHandle *handle)
{
        handle->delivery.direct = false;
        handle->delivery.moves_back = true;
        outbox_queue_all(handle);
}

void moving_settle(KyronIoDriverHandle *handle)
{
        HandleDelivery *delivery = &handle->delivery;

        if (delivery->is_asked)
                return;
        if (handle_delivery_wants_direct(delivery) != delivery->direct) {
                if (delivery->direct)
                        go_relayed(handle);
                else
                        go_direct(handle);
        }
        keep_timer(handle);
}

int moving_flush(KyronIoDriverHandle *handle)
{
        HandleDelivery *delivery = &handle->delivery;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__SetDelivery body = IOD__SET_DELIVERY__INIT;
        int r;

        if (delivery->is_asked || delivery->direct == delivery->told_direct)
                return 0;
        body.delivery =
                delivery->direct ? IOD__DELIVERY__DELIVERY_DIRECT : IOD__DELIVERY__DELIVERY_RELAYED;
        frame.sequence = SEQUENCE_DELIVERY;
        frame.body_case = IOD__FRAME__BODY_SET_DELIVERY;
        frame.set_delivery = &body;
        r = sending_send_frame(handle, &frame, NULL, 0);
        if (r < 0)
                return r;
        delivery->told_direct = delivery->direct;
        delivery->is_asked = true;
        return 0;
}

void moving_on_answer(KyronIoDriverHandle *handle, bool is_done)
{
        HandleDelivery *delivery = &handle->delivery;

        if (!delivery->is_asked)
                return;
        delivery->is_asked = false;
        if (is_done)
                return;
        delivery->allowed =
                delivery->told_direct ? DELIVERY_ALLOWS_RELAYED : DELIVERY_ALLOWS_DIRECT;
        delivery->told_direct = !delivery->told_direct;
}

void moving_on_session(KyronIoDriverHandle *handle)
{
        /* It is known now whose connections those are that were in doubt. */
        if (handle->delivery.direct)
                local_driver_serve_all(handle);
}
