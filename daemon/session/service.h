/*
 * SessionService: what is done for sessions, by whoever does it. The sessions themselves know how a
 * client is listened to and told, and nothing of what it asks for.
 */
#pragma once

#include "core/fd_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Session Session;

typedef struct SessionService {
        /*
         * Serves one packet. 0, also when the request was refused; or -errno when the session has
         * to end, with error_text() and *sequence for its goodbye. Descriptors stay in the list.
         */
        int (*serve)(void *data, Session *session, const void *bytes, size_t size, FdList *fds,
                     uint32_t *sequence);
        /* Its client has closed: it is given nothing more to do. */
        void (*closed)(void *data, Session *session);
        /* It has ended: what is under way for it is cancelled, and nothing more begins. */
        void (*ended)(void *data, Session *session);
        /* And then, again and again: of the connections that it has in hand, so many go to others
         * or are let go. Whether that was all. */
        bool (*let_go)(void *data, Session *session, uint32_t connections);
} SessionService;
