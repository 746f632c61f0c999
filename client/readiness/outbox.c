/* What goes from the handle to the daemon. See outbox.h. */
#include "client/readiness/outbox.h"

#include "client/handle/sending.h"
#include "client/readiness/async_registration.h"
#include "client/readiness/local_driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Takes the first registration off the queue; error: why it could not be sent, or 0. */
static void take_first(KyronIoDriverHandle *handle, int error)
{
        KyronAsyncRegistration *registration = TAILQ_FIRST(&handle->queue);
        char why[ERROR_TEXT_MAX];

        TAILQ_REMOVE(&handle->queue, registration, queue_link);
        registration->queued = false;
        if (error == 0) {
                registration->armed = registration->wanted;
                local_driver_hand_over(registration);
                return;
        }
        local_driver_leave(registration);
        if (error != -EBADF && local_driver_take_over(registration) == 0)
                return; /* a kind that is not passed on */
        snprintf(why, sizeof(why), "this descriptor cannot be sent to the daemon: %s",
                 strerror(-error));
        async_registration_fail(registration, error, why);
        io_driver_handle_unpark(handle);
}

/* What one packet says. */
typedef struct Packet {
        size_t sources;
        size_t retired; /* of gone, with the closed ids */
        size_t taken;
} Packet;

_Static_assert(2 * HANDLE_GONE_MAX <= FRAME_IDS_MAX, "the daemon takes no more in a packet");

/* Up to max ids that the daemon is to be told are taken. */
static size_t gather_taken(const KyronIoDriverHandle *handle, uint64_t *ids, size_t max)
{
        const Taken *taken;
        size_t count = 0;

        TAILQ_FOREACH(taken, &handle->taken, link)
        {
                if (count == max)
                        break;
                ids[count++] = taken->id;
        }
        return count;
}

/* The first count of them were told. */
static void forget_taken(KyronIoDriverHandle *handle, size_t count)
{
        while (count-- > 0)
                outbox_forget_taken(handle, TAILQ_FIRST(&handle->taken));
}

/* One packet of what is to be sent, with at most max registrations. */
static int send_packet(KyronIoDriverHandle *handle, size_t max, Packet *packet)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__AddIoSource add = IOD__ADD_IO_SOURCE__INIT;
        uint64_t sources[FRAME_SOURCES_MAX];
        uint64_t gone[2 * HANDLE_GONE_MAX];
        uint64_t taken[HANDLE_GONE_MAX];
        int fds[FRAME_SOURCES_MAX];
        KyronAsyncRegistration *registration;

        *packet = (Packet){.sources = 0};
        TAILQ_FOREACH(registration, &handle->queue, queue_link)
        {
                if (packet->sources == max || handle->delivery.told_direct)
                        break;
                sources[packet->sources] = io_id_pack(registration->id, registration->wanted);
                fds[packet->sources++] = registration->fd;
        }
        memcpy(gone, handle->closed_ids, handle->closed_count * sizeof(*gone));
        packet->retired =
                slot_table_retired(&handle->slots, gone + handle->closed_count, HANDLE_GONE_MAX);
        packet->taken = gather_taken(handle, taken, HANDLE_GONE_MAX);
        add.n_source = packet->sources;
        add.source = sources;
        add.n_gone = handle->closed_count + packet->retired;
        add.gone = gone;
        add.n_taken = packet->taken;
        add.taken = taken;
        frame.body_case = IOD__FRAME__BODY_ADD_IO_SOURCE;
        frame.add_io_source = &add;
        return sending_send_frame(handle, &frame, fds, packet->sources);
}

static int flush_packet(KyronIoDriverHandle *handle)
{
        Packet packet;
        int r = send_packet(handle, FRAME_SOURCES_MAX, &packet);

        /* One of the descriptors is none, or one that the kernel does not pass on: find out which.
         */
        if (r < 0 && r != -EAGAIN && r != -EHOSTDOWN && packet.sources > 1)
                r = send_packet(handle, 1, &packet);
        if (r < 0 && r != -EAGAIN && r != -EHOSTDOWN && packet.sources == 1) {
                take_first(handle, r);
                return 0;
        }
        if (r < 0)
                return r;
        handle->closed_count = 0;
        slot_table_give_back_retired(&handle->slots, packet.retired);
        forget_taken(handle, packet.taken);
        while (packet.sources-- > 0)
                take_first(handle, 0);
        return 0;
}

static bool has_sources(const KyronIoDriverHandle *handle)
{
        return (!TAILQ_EMPTY(&handle->queue) && !handle->delivery.told_direct) ||
               handle->closed_count > 0 || !TAILQ_EMPTY(&handle->taken) ||
               handle->slots.first_retired != SLOT_NONE;
}

int outbox_flush_sources(KyronIoDriverHandle *handle)
{
        int r = 0;

        while (r == 0 && has_sources(handle))
                r = flush_packet(handle);
        return r;
}

/* Whether whoever serves it knows all that is wanted. What has no file is nobody's to wait for. */
static bool is_known(const KyronAsyncRegistration *registration)
{
        const bool is_direct = registration->handle->delivery.direct && registration->fd >= 0;

        return !(registration->wanted & ~(is_direct ? registration->local : registration->armed));
}

static void queue(KyronAsyncRegistration *registration)
{
        registration->queued = true;
        TAILQ_INSERT_TAIL(&registration->handle->queue, registration, queue_link);
}

int outbox_add_io_source(KyronIoDriverHandle *handle, KyronAsyncRegistration *registration)
{
        int r;

        if (handle->gone)
                return error_set(EHOSTDOWN, "%s", handle->gone_text);
        if (is_known(registration))
                return 0;
        if (registration->id == IO_ID_NONE) {
                r = slot_table_take(&handle->slots, registration, &registration->id);
                if (r < 0)
                        return r;
        }
        r = local_driver_serve(registration);
        if (r < 0 || registration->queued || registration->stays_local || handle->delivery.direct)
                return r;
        queue(registration);
        io_driver_handle_unpark(handle);
        return 0;
}

void outbox_queue_all(KyronIoDriverHandle *handle)
{
        for (uint32_t slot = 0; slot < handle->slots.size; slot++) {
                KyronAsyncRegistration *registration = handle->slots.slots[slot].registration;

                /* Or it has no file yet, and its request is queued. */
                if (registration && registration->fd >= 0 && !registration->stays_local &&
                    !registration->queued && !registration->error)
                        queue(registration);
        }
}

void outbox_withdraw_all(KyronIoDriverHandle *handle)
{
        KyronAsyncRegistration *registration;

        while ((registration = TAILQ_FIRST(&handle->queue))) {
                TAILQ_REMOVE(&handle->queue, registration, queue_link);
                registration->queued = false;
        }
}

int outbox_remove_io_source(KyronIoDriverHandle *handle, const KyronAsyncRegistration *registration)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__RemoveIoSource remove = IOD__REMOVE_IO_SOURCE__INIT;
        uint64_t source = registration->id;
        int r;

        /* Directly, the daemon has none, or none for long. */
        if (handle->gone || handle->delivery.direct || !registration->armed || registration->error)
                return 0;
        remove.n_source = 1;
        remove.source = &source;
        frame.body_case = IOD__FRAME__BODY_REMOVE_IO_SOURCE;
        frame.remove_io_source = &remove;
        r = sending_send_frame(handle, &frame, &registration->fd, 1);
        if (r == 0 || r == -EHOSTDOWN)
                return 0;
        if (r != -EAGAIN)
                return error_set(-r, "the descriptor cannot be sent to the daemon: %s",
                                 strerror(-r));
        handle->remove_wants_room = true;
        sending_set_wants_room(handle, true);
        return error_set(EAGAIN, "the daemon has to read first: try after process_io()");
}

void outbox_take(KyronIoDriverHandle *handle, Taken *taken, IoId id)
{
        /* One whose id was refused is nothing to the daemon. */
        if (id == IO_ID_NONE)
                return;
        taken->id = id;
        TAILQ_INSERT_TAIL(&handle->taken, taken, link);
        io_driver_handle_unpark(handle);
}

void outbox_forget_taken(KyronIoDriverHandle *handle, Taken *taken)
{
        if (taken->id == IO_ID_NONE)
                return;
        TAILQ_REMOVE(&handle->taken, taken, link);
        taken->id = IO_ID_NONE;
}

void outbox_withdraw(KyronAsyncRegistration *registration)
{
        local_driver_leave(registration);
        if (registration->queued)
                TAILQ_REMOVE(&registration->handle->queue, registration, queue_link);
        registration->queued = false;
}

void outbox_forget(KyronIoDriverHandle *handle, KyronAsyncRegistration *registration, bool told)
{
        const IoId id = registration->id;

        if (id == IO_ID_NONE)
                return;
        outbox_withdraw(registration);
        async_registration_forget(registration);
        if (async_registration_is_counted(registration) && !handle->gone) {
                slot_table_retire(&handle->slots, registration, &registration->id);
                io_driver_handle_unpark(handle);
                return;
        }
        slot_table_give_back(&handle->slots, registration, &registration->id);
        if (told || handle->gone || handle->delivery.direct || !registration->armed)
                return;
        if (handle->closed_count == HANDLE_GONE_MAX)
                outbox_flush_sources(handle);
        /* If the daemon does not read, it learns of this one when the slot is used again. */
        if (handle->closed_count < HANDLE_GONE_MAX)
                handle->closed_ids[handle->closed_count++] = id;
        io_driver_handle_unpark(handle);
}
