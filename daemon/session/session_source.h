/*
 * A session's registrations, charged to its user: what AddIoSource and RemoveIoSource do, and what
 * comes with a descriptor that the daemon passes.
 */
#pragma once

#include "daemon/session/session.h"

/*
 * Of the entries that the kernel lets the daemon have (watches.h) each client's user has a share.
 * Files that were given up may be open still, so that there can be more entries than registrations;
 * and there may be fewer than are charged, until the kernel is asked.
 */
bool session_is_crowded(const Session *session);

/* Opens the session's set and waits for it. 0 or -errno with error_text(). */
int session_open_set(Session *session);

/*
 * Registers borrow_fd under the id and interest in packed, or replaces the interest of its
 * registration. 0, or -errno with error_text(), as io_driver_add_io_source(), and -EDQUOT the user
 * has too many, or too many in the kernel, -EINVAL the session is direct. After the last of
 * several, call io_driver_end_batch() and session_settle_registrations().
 */
int session_add_io_source(Session *session, int borrow_fd, uint64_t packed);
/* In a direct session, has a registration under this id that is not watched. As above; after the
 * last of several, call session_settle_registrations(). */
int session_note_io_source(Session *session, IoId id, DescriptorKind kind);
/* Takes back one that the client has not heard of, with its charge: the id may be used again. */
void session_withdraw_io_source(Session *session, int borrow_fd, IoId id);
/* As io_driver_remove_io_source(). */
int session_remove_io_source(Session *session, int borrow_fd, IoId id);

/* Makes the charge what the registrations count, after some went away. */
void session_settle_registrations(Session *session);
