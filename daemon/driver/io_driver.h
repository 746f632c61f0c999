/*
 * daemon/driver/: waits for clients' descriptors and tells; knows registrations, no session.
 *
 * IoDriver: waits for the sessions' descriptors.
 *
 * io_driver_process_io() serves one session for one turn: select, route each event to its
 * RegistrationInfo, tell the client. The loop calls it when the session's epoll set is ready, after
 * it has cleaned up, which takes longer than a turn may (reconciler.h).
 *
 * The daemon keeps no client descriptor. A received one is duplicated onto the scratch number and
 * added to the session's set under it: epoll remembers (open file, number), so the same number
 * serves every registration, and dup'ing the file there again finds its entry to change or remove
 * it. The scratch number is the highest allowed; between batches a placeholder occupies it, so
 * that no other descriptor can ever get it.
 *
 * The scratch duplicate is never a file's last reference: the caller keeps the received one until
 * io_driver_end_batch(), then gives it to the closer. So putting the next file on the scratch
 * number cannot block.
 */
#pragma once

#include "core/selector.h"
#include "daemon/driver/notifier.h"
#include "daemon/driver/registration_set.h"

enum {
        /* Received descriptors that may not be closed yet: a full closer and a packet. */
        IO_DRIVER_CLOSING_MAX = 768,
};

typedef struct IoDriver {
        int placeholder_fd;
        int scratch_fd;
        int scratch_link_fd; /* says what is on that number; -1: there is no /proc */
        uint64_t events;
        uint64_t frames;
        uint64_t registrations;
        UnreadCharges unread_charges;
        SelectorEvent ready[FRAME_EVENTS_MAX];
        uint64_t packed[FRAME_EVENTS_MAX];
} IoDriver;

#define IO_DRIVER_INIT                                                                             \
        {                                                                                          \
                .placeholder_fd = -1, .scratch_fd = -1, .scratch_link_fd = -1                      \
        }

/* Reserves the scratch number, which also grows the descriptor table once, before there are
 * threads. 0 or -errno. */
int io_driver_open(IoDriver *driver);
void io_driver_close(IoDriver *driver);

/*
 * One turn for one session. Returns how many events were told (0: none were ready, or all were
 * stale), NOTIFIER_WAITING in *notified when the client has to read first, or -errno, which ends
 * the session.
 */
int io_driver_process_io(IoDriver *driver, RegistrationSet *set, Notifier *notifier, int *notified);

/*
 * Whether so many were registered since the kernel was last asked that another packet's may find
 * the set full: time to forget the registrations whose files are gone. Asking costs the kernel a
 * line for each live entry, which as many registrations as the limit have paid for by the next
 * time; where more files than the limit are alive, and the set stays crowded, they have not. A
 * client that says which files it closed keeps the lists exact in between.
 */
bool io_driver_is_cleanup_due(const RegistrationSet *set);
bool io_driver_stays_crowded(const RegistrationSet *set);

/*
 * Registers borrow_fd, or replaces the interest of its registration. 0, or with error_text():
 * -EINVAL interest without a known bit, or generation 0; -EDQUOT -ESTALE as
 * registration_set_check(); -EBADF -EPERM -EOPNOTSUPP as descriptor_kind_classify(); -EEXIST the
 * file is registered already; -ENOSPC, -ENOMEM, -EMFILE.
 */
int io_driver_add_io_source(IoDriver *driver, RegistrationSet *set, int borrow_fd, IoId id,
                            Readiness interest);

/*
 * Has a registration under this id that is not watched, of a file that nobody has shown; the next
 * io_driver_add_io_source() under it says which it is, and has it watched. 0, or with error_text():
 * as registration_set_check(), -ENOMEM.
 */
int io_driver_note_io_source(RegistrationSet *set, IoId id, DescriptorKind kind);

/* Ends a registration whose file stays open. 0, or -ESTALE or -ENOENT with error_text(). */
int io_driver_remove_io_source(IoDriver *driver, RegistrationSet *set, int borrow_fd, IoId id);

/* Takes back a registration that the client has not heard of: as if it had never been made. */
void io_driver_withdraw_io_source(IoDriver *driver, RegistrationSet *set, int borrow_fd, IoId id);

/* Takes the last file off the scratch number. */
void io_driver_end_batch(IoDriver *driver);
