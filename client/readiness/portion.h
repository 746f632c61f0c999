/*
 * Portion: how much may be done on one descriptor before the others have had their turn.
 *
 * Whoever goes on with a descriptor until it has to wait would never come back from one that is
 * always ready, and nobody else's would be looked at. So a descriptor has a portion of each turn.
 * Once that is used up, the next operation waits though it need not: it is put behind those that
 * were woken, and goes on when the handle has looked at its events. No readiness is touched, so
 * none is lost; and nothing is allocated.
 *
 * It counts only where it keeps others waiting: in the thread that takes the turns, and while none
 * does. A thread beside it may do as much as it likes.
 *
 * State: a word of the registration's, the turn and what was used in it. Any thread, without the
 * lock: those who meet there only count a little wrong.
 */
#pragma once

#include "client/readiness/async_registration.h"

enum {
        /* Operations that need not wait, for one descriptor in one turn. */
        PORTION_MAX = 128,
        /* So many bytes count as another one. */
        PORTION_BYTES = 16 * 1024,
};

bool portion_is_used_up(const KyronAsyncRegistration *registration);

/* Something was done at once. result: bytes, or whatever it was. */
void portion_use(KyronAsyncRegistration *registration, ssize_t result);
