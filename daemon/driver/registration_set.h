/*
 * RegistrationSet: a session's registrations, by slot, and the epoll set that waits for them.
 *
 * A slot is remembered while it is in use (registration_map.h): what a session's registrations take
 * goes by how many there are now, and what was refused or forgotten takes nothing. So of a free
 * slot nobody knows which generations it has had; its client does, and raises them.
 *
 * `count` is what the client says it has. `watches` is what the kernel may have: the client's
 * close() removes an entry from the epoll set without anybody telling us, so it is an upper bound
 * until the kernel is asked (reconciler.h). What it then has is marked, and the rest forgotten.
 * What is not watched is no matter of the kernel's, and stays.
 */
#pragma once

#include "core/io_id.h"
#include "core/selector.h"
#include "daemon/driver/registration_map.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct RegistrationSet {
        Selector selector; /* opened with the first registration */
        RegistrationMap map;
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
 * free or has gone on to another generation. It is good until registrations come or go.
 */
RegistrationInfo *registration_set_recreate(const RegistrationSet *set, IoId id);

/*
 * Whether id may have its slot, in which an older generation may be. 0, or with error_text():
 * -EDQUOT the slot is past the limit, -ESTALE this generation or a later one is in it, -EINVAL
 * generation 0.
 */
int registration_set_check(const RegistrationSet *set, IoId id);

/* Whether the slot of id is in use, by whichever generation. */
bool registration_set_is_occupied(const RegistrationSet *set, IoId id);

/* Puts a slot that was checked in use with this value, of id's generation; an older generation's
 * registration is forgotten. 0, or -ENOMEM with error_text(). */
int registration_set_use(RegistrationSet *set, IoId id, RegistrationInfo value);
/* Forgets the registration that id names, if there is one, and tells its owner. */
void registration_set_forget(RegistrationSet *set, IoId id);
/* The same of one that its client has not heard of. Its owner is not told. */
void registration_set_withdraw(RegistrationSet *set, IoId id);

/* The first registration at or after *slot, which is set to its slot; NULL at the end. */
RegistrationInfo *registration_set_next(const RegistrationSet *set, uint32_t *slot);

/*
 * Forgets the registrations whose files are gone, in steps: begin, mark all that the kernel has,
 * and forget from *slot on, 0 at first, looking at no more registrations a call than looks and
 * forgetting no more than forget, until it returns true. What is registered meanwhile stays.
 */
void registration_set_begin_marking(RegistrationSet *set);
void registration_set_mark_live(RegistrationSet *set, const IoId *ids, size_t n);
bool registration_set_forget_unmarked(RegistrationSet *set, uint32_t *slot, uint32_t looks,
                                      uint32_t forget);

/* The set's selector has been taken away: from *slot on, 0 at first, forgets the registrations that
 * have no owner, and the others are not watched any more; so many a call, until it returns true. */
bool registration_set_watch_no_more(RegistrationSet *set, uint32_t *slot, uint32_t looks);
