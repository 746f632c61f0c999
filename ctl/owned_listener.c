/* A user's listener. See owned_listener.h. */
#include "ctl/owned_listener.h"

#include "core/error.h"
#include "ctl/query_list.h"
#include "ctl/user_name.h"

#include <errno.h>
#include <string.h>

/* A user's listener of a name, among all that are listed. */
typedef struct Wanted {
        const char *name;
        uint32_t uid;
        uint64_t number; /* 0: not found yet */
} Wanted;

static void look(void *data, const Iod__ListenerEntry *entry)
{
        Wanted *wanted = data;

        if (!entry->configured && entry->uid == wanted->uid &&
            strcmp(entry->name, wanted->name) == 0)
                wanted->number = entry->listener;
}

ExitCode owned_listener_find(Query *query, const char *name, const char *owner, uint64_t *number)
{
        Wanted wanted = {.name = name};
        ExitCode code;

        if (user_name_find(owner, &wanted.uid) < 0)
                return EXIT_CODE_NOT_FOUND;
        code = query_listeners(query, look, &wanted);
        if (code != EXIT_CODE_OK)
                return code;
        *number = wanted.number;
        if (*number != 0)
                return EXIT_CODE_OK;
        error_set(ENOENT,
                  "user %s has no listener \"%s\": kyronctl listeners shows those there are", owner,
                  name);
        return EXIT_CODE_NOT_FOUND;
}
