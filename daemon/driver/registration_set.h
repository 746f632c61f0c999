/*
 * RegistrationSet: a session's registrations, by slot, and the epoll set that waits for them.
 *
 * The table grows in chunks where the client uses slots and never past its limit, so a hostile
 * choice of slots costs no more than a full table. A chunk stays until the session ends.
 *
 * `count` is what the client says it has. `watches` is what the kernel may have: the client's
 * close() removes an entry from the epoll set without anybody telling us, so it is an upper bound
 * until the kernel is asked (reconciler.h). What it then has is marked, and the rest forgotten.
 */
#pragma once

#include "core/io_id.h"
#include "core/selector.h"
#include "daemon/driver/registration_info.h"

#include <stdbool.h>
#include <stddef.h>

enum { REGISTRATION_SET_CHUNK = 256 };

typedef struct RegistrationSet {
        Selector selector; /* opened with the first registration */
        RegistrationInfo **chunks;
        uint32_t limit; /* slots run from 0 to limit - 1 */
        uint32_t count;
        uint64_t watches;
        uint64_t reconcile_after; /* CLOCK_MONOTONIC seconds */
        bool mark;                /* what those have that live, since marking began */
} RegistrationSet;

void registration_set_init(RegistrationSet *set, uint32_t limit);
void registration_set_deinit(RegistrationSet *set);

/*
 * The registration that id names: the source's recreate_registration_info. NULL when the slot is
 * free or has gone on to another generation.
 */
RegistrationInfo *registration_set_recreate(const RegistrationSet *set, IoId id);

/*
 * Finds out whether id may have its slot and makes room for it, but changes nothing yet: *out is
 * the slot as it is, perhaps an older generation's in use. 0, or with error_text(): -EDQUOT the
 * slot is past the limit, -ESTALE the slot has seen this generation or a later one, -EINVAL
 * generation 0, -ENOMEM.
 */
int registration_set_claim(RegistrationSet *set, IoId id, RegistrationInfo **out);

/* Whether the slot of id is in use, by whichever generation. */
bool registration_set_is_occupied(const RegistrationSet *set, IoId id);

/* Puts a claimed slot in use with this value; an older generation's registration is forgotten. */
void registration_set_use(RegistrationSet *set, RegistrationInfo *info, RegistrationInfo value);
/* Takes a registration out of use, and tells its owner. */
void registration_set_forget(RegistrationSet *set, RegistrationInfo *info);

/* Takes back a registration that its client has not heard of: the id is as if never used. Its owner
 * is not told. */
void registration_set_withdraw(RegistrationSet *set, RegistrationInfo *info);

/* The first registration in use at or after *slot, which is set to its slot; NULL at the end. */
RegistrationInfo *registration_set_next(const RegistrationSet *set, uint32_t *slot);

/*
 * Forgets the registrations whose files are gone, in steps: begin, mark all that the kernel has,
 * and forget from *slot on, 0 at first, at most so many slots and registrations a call, until it
 * returns true. What is registered meanwhile stays.
 */
void registration_set_begin_marking(RegistrationSet *set);
void registration_set_mark_live(RegistrationSet *set, const IoId *ids, size_t n);
bool registration_set_forget_unmarked(RegistrationSet *set, uint32_t *slot, uint32_t slots,
                                      uint32_t forget);
