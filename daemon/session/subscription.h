/*
 * Subscription: a session hears of what happens (teller.h), and is told.
 *
 * What it hears waits in its ring, and goes in packets of up to FRAME_HAPPENINGS_MAX: the next one
 * when the client has read the last, so that answers wait for no more than that one. A moment
 * passes before the first is sent, for others that come with it. Its user has a share of
 * the TELLER_HEARERS_MAX there are, and so of their memory.
 */
#pragma once

#include "daemon/session/sessions.h"

/* Begins, or changes its kinds (happening_kind_bit()). 0, or with error_text(): -EDQUOT its user
 * has too many, -ENOMEM. */
int subscription_set(Session *session, uint32_t kinds);
/* Ends it, if there is one: what was not sent is not. */
void subscription_end(Session *session);

/* Tells everybody who hears it, and sends what their sockets take now: the sessions are about to be
 * ended. */
void subscriptions_tell_last(Sessions *sessions, Iod__What what, const char *text);
