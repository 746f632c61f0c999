/* The sessions by their numbers. See sessions.h. */
#include "daemon/session/sessions.h"

#include "core/tree.h"

#include <errno.h>
#include <search.h>

/* A session begins with its id, and what is looked for is one. */
static int compare_ids(const void *a, const void *b)
{
        uint64_t id_a = *(const uint64_t *)a;
        uint64_t id_b = *(const uint64_t *)b;

        return (id_a > id_b) - (id_a < id_b);
}

int sessions_add(Sessions *sessions, Session *session)
{
        if (!tsearch(session, &sessions->by_id, compare_ids))
                return -ENOMEM;
        TAILQ_INSERT_TAIL(&sessions->list, session, link);
        session->listed = true;
        sessions->count++;
        return 0;
}

void sessions_remove(Sessions *sessions, Session *session)
{
        tdelete(session, &sessions->by_id, compare_ids);
        TAILQ_REMOVE(&sessions->list, session, link);
        session->listed = false;
        sessions->count--;
        sessions->direct -= session->is_direct;
}

Session *sessions_find(const Sessions *sessions, uint64_t id)
{
        Session **found = tfind(&id, &sessions->by_id, compare_ids);

        return found ? *found : NULL;
}

Session *sessions_after(const Sessions *sessions, uint64_t after)
{
        return tree_after(&sessions->by_id, &after, compare_ids);
}
