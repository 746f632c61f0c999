/* Telling what happens to a session, to who hears of it (daemon/tell/). */
#pragma once

#include "daemon/session/session.h"

/* What was asked for, as far as it is known. */
typedef struct Asked {
        Iod__Frame__BodyCase request; /* or NOT_SET */
        const char *name;
        const char *address;
} Asked;

/* error is a positive errno, or 0. */
void session_tell(const Session *session, Iod__What what, int error, const char *text);
/* That a request was refused, or so many of its sources. */
void session_tell_refused(const Session *session, const Asked *asked, uint32_t sources, int error,
                          const char *text);
