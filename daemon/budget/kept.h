/*
 * Kept: descriptors that the daemon keeps for clients, and closing them. How many there may be is
 * for all users together; what is held (hold.h) counts too, and is counted there.
 *
 * Single-threaded.
 */
#pragma once

#include "daemon/closing/closer.h"
#include "daemon/loop/waker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Kept {
        Closer *closer;
        const size_t *held; /* those of holds */
        uint32_t count;     /* the others, and those to be */
        uint32_t max;
        WakerList waiting; /* for room */
} Kept;

void kept_init(Kept *kept, Closer *closer, const size_t *held);

/* Counts one more, or one that is to be; and gives it back. */
void kept_add(Kept *kept);
void kept_remove(Kept *kept);
/* Whether there is room for one more, to be closed in lane: not as many are kept as may be, and
 * those that were do not wait to be closed. Or -EDQUOT or -EBUSY with error_text(). */
bool kept_has_room(const Kept *kept, CloserLane *lane);
int kept_check_room(const Kept *kept, CloserLane *lane);
/*
 * A descriptor the daemon has and a client may have too, or have put something into: whoever has it
 * can make its close() last, so that a place is reserved for it in the lane of whom it is for, and
 * it is counted. 0, or -ENOMEM with error_text() and nothing was counted.
 */
int kept_add_descriptor(Kept *kept, CloserLane *lane);
void kept_close(Kept *kept, CloserLane *lane, int take_fd);
/* The same for a note, which was counted alone: a file in memory does not block. */
void kept_close_note(Kept *kept, int take_fd);
