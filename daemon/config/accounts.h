/*
 * Accounts: users and groups, as the name service knows them. It may be another machine's, and take
 * its time: whoever asks waits for it, so nothing here is for the loop's thread. Any other may call
 * it.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Each by its name: 0; -ENOENT there is none; or another -errno: it cannot be looked up now. */
int accounts_find_user(const char *name, uid_t *out);
int accounts_find_group(const char *name, gid_t *out);

/* The groups that a process of the user's would have, max at most. Their number, 0 for a user
 * without an entry; or -errno: they cannot be looked up now. */
int accounts_find_groups_of(uid_t uid, gid_t *groups, int max);
