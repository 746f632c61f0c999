/* The listeners by number and by name. See listeners.h. */
#include "daemon/listen/listeners.h"

#include "core/error.h"
#include "core/tree.h"
#include "daemon/listen/listener.h"

#include <errno.h>
#include <search.h>
#include <string.h>

/* A listener begins with its number, and what is looked for is one. */
static int compare_numbers(const void *a, const void *b)
{
        uint64_t number_a = *(const uint64_t *)a;
        uint64_t number_b = *(const uint64_t *)b;

        return (number_a > number_b) - (number_a < number_b);
}

/* Of those of a name the configured ones come first, then each user's. */
typedef struct Name {
        const char *name;
        bool configured;
        uid_t uid;
} Name;

static int compare_names(const Name *a, const Listener *b)
{
        int r = strcmp(a->name, b->config.name);

        if (r == 0)
                r = (int)b->configured - (int)a->configured;
        return r != 0 ? r : (a->uid > b->uid) - (a->uid < b->uid);
}

static int compare(const void *a, const void *b)
{
        const Listener *listener = a;
        const Name name = {listener->config.name, listener->configured, listener->uid};
        int r = compare_names(&name, b);

        return r != 0 ? r : compare_numbers(a, b);
}

/* Before all that have it. */
static int compare_with_name(const void *name, const void *listener)
{
        int r = compare_names(name, listener);

        return r != 0 ? r : -1;
}

/* It is counted under its name, if there is room. */
static void name(Listener *listener)
{
        Listeners *listeners = listener->group.listeners;
        Listener **place = NULL;
        unsigned own = 0;

        for (size_t i = 0; i < LISTENERS_NAMED_MAX; i++) {
                const Listener *named = listeners->named[i];

                if (!named)
                        place = &listeners->named[i];
                else
                        own += !named->configured && named->uid == listener->uid;
        }
        if (place && (listener->configured || own < LISTENERS_NAMED_PER_USER_MAX))
                *place = listener;
}

int listeners_add(Listener *listener, uint64_t number)
{
        Listeners *listeners = listener->group.listeners;
        Listener **found;

        listener->group.number = number;
        found = tsearch(listener, &listeners->by_number, compare_numbers);
        if (found && *found != listener)
                return error_set(EEXIST, "listener %.40s has another one's number",
                                 listener->title);
        if (found && !tsearch(listener, &listeners->by_name, compare)) {
                tdelete(listener, &listeners->by_number, compare_numbers);
                found = NULL;
        }
        if (!found)
                return error_set(ENOMEM, "no memory for another listener");
        listener->listed = true;
        name(listener);
        return 0;
}

void listeners_remove(Listener *listener)
{
        Listeners *listeners = listener->group.listeners;

        if (!listener->listed)
                return;
        listener->listed = false;
        tdelete(listener, &listeners->by_number, compare_numbers);
        tdelete(listener, &listeners->by_name, compare);
        for (size_t i = 0; i < LISTENERS_NAMED_MAX; i++) {
                if (listeners->named[i] == listener)
                        listeners->named[i] = NULL;
        }
}

static Listener *if_named(Listener *listener, const char *name)
{
        return listener && strcmp(listener->config.name, name) == 0 ? listener : NULL;
}

/* The first that has the name, or comes after it. */
static Listener *first_of(const Listeners *listeners, Name name)
{
        return if_named(tree_after(&listeners->by_name, &name, compare_with_name), name.name);
}

Listener *listener_next_named(const Listeners *listeners, const Listener *after, const char *name)
{
        if (after)
                return if_named(tree_after(&listeners->by_name, after, compare), name);
        return first_of(listeners, (Name){.name = name, .configured = true});
}

Listener *listener_find_configured(const Listeners *listeners, const char *name)
{
        Listener *first = listener_next_named(listeners, NULL, name);

        return first && first->configured ? first : NULL;
}

Listener *listener_find(const Listeners *listeners, uid_t uid, const char *name)
{
        Listener *listener = listener_find_configured(listeners, name);

        if (!listener)
                listener = first_of(listeners, (Name){.name = name, .uid = uid});
        return listener && (listener->configured || listener->uid == uid) ? listener : NULL;
}

Listener *listener_after(const Listeners *listeners, uint64_t number)
{
        return tree_after(&listeners->by_number, &number, compare_numbers);
}
