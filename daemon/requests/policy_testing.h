/*
 * TestPolicy: what the policy says of a user. Of who asks the kernel has said the groups; those of
 * another user are looked up off the loop, for whoever may ask about others, and answered late.
 */
#pragma once

#include "daemon/session/session.h"

typedef struct Daemon Daemon;

/* 0, a positive errno with error_text() to refuse it, or -errno when the session has to end. */
int policy_testing_serve(Daemon *daemon, Session *session, const Iod__Frame *request);
