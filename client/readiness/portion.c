/* How much may be done on a descriptor at once. See portion.h. */
#include "client/readiness/portion.h"

#include "client/handle/io_driver_handle.h"

enum { TURN_BITS = 32 };

/* Whether this thread keeps nobody waiting: another takes the turns. */
static bool is_beside(const KyronIoDriverHandle *handle)
{
        uintptr_t driver = atomic_load_explicit(&handle->driver, memory_order_relaxed);

        return driver != 0 && driver != io_driver_handle_self();
}

static uint32_t turn_of(const KyronIoDriverHandle *handle)
{
        return atomic_load_explicit(&handle->turns, memory_order_relaxed);
}

/* In this turn. */
static uint32_t used(const KyronAsyncRegistration *registration, uint32_t turn)
{
        uint64_t word = atomic_load_explicit(&registration->portion, memory_order_relaxed);

        return word >> TURN_BITS == turn ? (uint32_t)word : 0;
}

bool portion_is_used_up(const KyronAsyncRegistration *registration)
{
        const KyronIoDriverHandle *handle = registration->handle;

        return used(registration, turn_of(handle)) >= PORTION_MAX && !is_beside(handle);
}

void portion_use(KyronAsyncRegistration *registration, ssize_t result)
{
        uint32_t turn = turn_of(registration->handle);
        size_t more = result > 0 ? (size_t)result / PORTION_BYTES : 0;

        if (is_beside(registration->handle))
                return;
        if (more > PORTION_MAX)
                more = PORTION_MAX;
        atomic_store_explicit(&registration->portion,
                              (uint64_t)turn << TURN_BITS |
                                      (used(registration, turn) + 1 + (uint32_t)more),
                              memory_order_relaxed);
}
