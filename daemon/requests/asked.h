/* Telling that a request was refused, with what it asked for (session_tell.h). */
#pragma once

#include "daemon/session/session.h"

/* If somebody hears it. error is a positive errno. */
void asked_tell_refused(const Session *session, const Iod__Frame *request, int error,
                        const char *text);
