/* Registrations served in this process. See local_driver.h. */
#include "client/readiness/local_driver.h"

#include "client/readiness/outbox.h"

#include <errno.h>
#include <string.h>

bool local_driver_leaves_in_doubt(const KyronIoDriverHandle *handle,
                                  const KyronAsyncRegistration *registration)
{
        /* A daemon that cannot be reached for so long does not live. */
        return handle->outage.state != OUTAGE_NONE && !handle->outage.is_long &&
               async_registration_is_shared(registration);
}

int local_driver_serve(KyronAsyncRegistration *registration)
{
        KyronIoDriverHandle *handle = registration->handle;
        Readiness wanted = registration->wanted;
        int r;

        if (registration->fd < 0 || registration->error || !(wanted & ~registration->local))
                return 0;
        if (local_driver_leaves_in_doubt(handle, registration) ||
            !(registration->stays_local || io_driver_handle_serves_itself(handle)))
                return 0;
        r = registration->local
                    ? selector_modify(&handle->selector, registration->fd, registration->id, wanted)
                    : selector_add(&handle->selector, registration->fd, registration->id, wanted);
        if (r == -EPERM)
                return error_set(EPERM,
                                 "a file of this kind is always ready: use it without waiting");
        if (r < 0)
                return error_set(-r, "this descriptor cannot be waited for: %s", strerror(-r));
        registration->local = wanted;
        return 0;
}

int local_driver_take_over(KyronAsyncRegistration *registration)
{
        int r;

        outbox_withdraw(registration);
        registration->armed = 0;
        registration->stays_local = true;
        r = local_driver_serve(registration);
        if (r < 0)
                registration->stays_local = false;
        return r;
}

int local_driver_serve_all(KyronIoDriverHandle *handle)
{
        int r, error = 0;

        for (uint32_t slot = 0; slot < handle->slots.size; slot++) {
                KyronAsyncRegistration *registration = handle->slots.slots[slot].registration;

                if (!registration)
                        continue;
                if (local_driver_leaves_in_doubt(handle, registration)) {
                        local_driver_leave(registration);
                        continue;
                }
                r = local_driver_serve(registration);
                if (r == 0)
                        continue;
                error = r;
                async_registration_wake_all(registration);
        }
        return error;
}

void local_driver_leave(KyronAsyncRegistration *registration)
{
        if (!registration->local)
                return;
        registration->local = 0;
        selector_remove(&registration->handle->selector, registration->fd);
}

void local_driver_renumber(KyronAsyncRegistration *registration)
{
        KyronIoDriverHandle *handle = registration->handle;
        IoId id;

        if (slot_table_take(&handle->slots, registration, &id) < 0)
                return;
        slot_table_give_back(&handle->slots, registration, &registration->id);
        registration->id = id;
        if (registration->local &&
            selector_modify(&handle->selector, registration->fd, id, registration->local) < 0)
                local_driver_leave(registration);
}

void local_driver_hand_over(KyronAsyncRegistration *registration)
{
        if (registration->local)
                registration->handle->outage.handover = HANDOVER_SENT;
}

void local_driver_end_handover(KyronIoDriverHandle *handle, uint32_t sequence)
{
        /* Or more was sent since it was asked. */
        if (handle->outage.handover != HANDOVER_ASKED ||
            handle->outage.handover_sequence != sequence)
                return;
        handle->outage.handover = HANDOVER_NONE;
        handle->delivery.moves_back = false;
        for (uint32_t slot = 0; slot < handle->slots.size; slot++) {
                KyronAsyncRegistration *registration = handle->slots.slots[slot].registration;

                if (registration && !registration->queued && !registration->stays_local)
                        local_driver_leave(registration);
        }
}

void local_driver_wake(KyronIoDriverHandle *handle, const SelectorEvent *event)
{
        KyronAsyncRegistration *registration =
                slot_table_recreate(&handle->slots, selector_event_id(event));

        handle->pulse.events++;
        if (registration)
                async_registration_wake(registration, selector_event_readiness(event));
}
