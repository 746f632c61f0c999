/*
 * HeldAnswer: a held descriptor on its way to who takes it. Until it was sent it is in the store
 * still, and if its session ends before, it is held again.
 */
#pragma once

#include "daemon/hold/hold.h"
#include "daemon/session/sessions.h"

/* Queues the answer to a TakeHeld, and takes the descriptors also on failure. They have their
 * places in the lane of the session's user, as the Hold reserved them. 0, or -ENOMEM with
 * error_text(): the session has to end. */
int held_answer_queue(HoldSet *set, Session *session, uint32_t sequence, const char *name,
                      const HoldTaken *take);
