/*
 * The state that one program hands over to the next: written, and read again. See handover.h.
 */
#pragma once

#include "daemon/store/state.pb-c.h"

#include <stdbool.h>

typedef struct Daemon Daemon;

enum {
        /* Bytes of the state: all that the largest configuration can own. */
        HANDOVER_STATE_MAX = 1 << 28,
};

/* Seals it in a memfd: the descriptor, or -errno with error_text(). With a question, or with the
 * program that hands over; or NULL. */
int handover_state_make(Daemon *daemon, State__Question *question, State__Former *former);
/* 0, or -errno with error_text(). */
int handover_state_read(int borrow_fd, State__State **out);
/* Has its descriptors stay open when the process executes another program, or not. */
void handover_state_inherit(const State__State *state, bool inherit);
