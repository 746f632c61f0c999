/* Users and groups. See accounts.h. */
#include "daemon/config/accounts.h"

#include "core/cleanup.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        /* Bytes of an entry, with the names of a group's members: at first, and at most. */
        ENTRY_BYTES = 4096,
        ENTRY_BYTES_MAX = 16 * 1024 * 1024,
};

/* What is asked for, and what is found. */
typedef struct Entry {
        const char *name;
        uid_t uid;
        gid_t gid;
        char user[256];
} Entry;

/* A function of the C library's: 0 with *found, or a positive errno. */
typedef int (*Look)(Entry *entry, char *buffer, size_t size, bool *found);

static int look_for_user(Entry *entry, char *buffer, size_t size, bool *found)
{
        struct passwd passwd, *result = NULL;
        int r = getpwnam_r(entry->name, &passwd, buffer, size, &result);

        *found = result;
        if (result)
                entry->uid = passwd.pw_uid;
        return r;
}

static int look_for_group(Entry *entry, char *buffer, size_t size, bool *found)
{
        struct group group, *result = NULL;
        int r = getgrnam_r(entry->name, &group, buffer, size, &result);

        *found = result;
        if (result)
                entry->gid = group.gr_gid;
        return r;
}

static int look_for_uid(Entry *entry, char *buffer, size_t size, bool *found)
{
        struct passwd passwd, *result = NULL;
        int r = getpwuid_r(entry->uid, &passwd, buffer, size, &result);

        *found = result && snprintf(entry->user, sizeof(entry->user), "%s", passwd.pw_name) <
                                   (int)sizeof(entry->user);
        if (*found)
                entry->gid = passwd.pw_gid;
        return r;
}

/* Name services have several words for that there is none. */
static int outcome_of(int error, bool found)
{
        switch (error) {
        case 0:
                return found ? 0 : -ENOENT;
        case ENOENT:
        case ESRCH:
        case EBADF:
        case EPERM:
                return -ENOENT;
        default:
                return -error;
        }
}

static int find(Look look, Entry *entry)
{
        for (size_t size = ENTRY_BYTES;; size *= 2) {
                CLEANUP(cleanup_free) char *buffer = malloc(size);
                bool found = false;
                int r;

                if (!buffer)
                        return -ENOMEM;
                r = look(entry, buffer, size, &found);
                if (r != ERANGE || size >= ENTRY_BYTES_MAX)
                        return outcome_of(r, found);
        }
}

int accounts_find_user(const char *name, uid_t *out)
{
        Entry entry = {.name = name};
        int r = find(look_for_user, &entry);

        if (r == 0)
                *out = entry.uid;
        return r;
}

int accounts_find_group(const char *name, gid_t *out)
{
        Entry entry = {.name = name};
        int r = find(look_for_group, &entry);

        if (r == 0)
                *out = entry.gid;
        return r;
}

int accounts_find_groups_of(uid_t uid, gid_t *groups, int max)
{
        Entry entry = {.uid = uid};
        int n = max, r = find(look_for_uid, &entry);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        return getgrouplist(entry.user, entry.gid, groups, &n) < 0 ? max : n;
}
