/*
 * Kept: descriptors that the daemon keeps for clients, and closing them. How many there may be is
 * for all together, with what is held (hold.h), which is counted there; and of these each has a
 * share (core/share.h): a user with all of its listeners, holds, answers and connects, and each
 * listener of the configuration, whoever serves it. Whose it is, mine says: where that one's are
 * counted, those held included.
 *
 * Single-threaded.
 */
#pragma once

#include "core/share.h"
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
void kept_add(Kept *kept, uint64_t *mine);
void kept_remove(Kept *kept, uint64_t *mine);
/* Whether there is room for so many more, to be closed in lane: the share has room, and those that
 * were kept do not wait to be closed. Or -EDQUOT or -EBUSY with error_text(). */
bool kept_has_room(const Kept *kept, uint64_t mine, CloserLane *lane, uint32_t n);
int kept_check_room(const Kept *kept, uint64_t mine, CloserLane *lane, uint32_t n);
/*
 * A descriptor the daemon has and a client may have too, or have put something into: whoever has it
 * can make its close() last, so that a place is reserved for it in the lane of whom it is for, and
 * it is counted. 0, or -ENOMEM with error_text() and nothing was counted.
 */
int kept_add_descriptor(Kept *kept, uint64_t *mine, CloserLane *lane);
void kept_close(Kept *kept, uint64_t *mine, CloserLane *lane, int take_fd);
/* The same for a note, which was counted alone: a file in memory does not block. */
void kept_close_note(Kept *kept, uint64_t *mine, int take_fd);
