/*
 * Waker: what is to be called once something has happened, and the lists in which it waits for
 * that. Whoever can tell of an event has a list, and knows nothing of those who wait in it.
 *
 * A waker is part of its owner, and waits in one list at most. It is taken out before it is called,
 * so that it may wait again at once, or be freed with its owner.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

typedef struct Waker Waker;
typedef TAILQ_HEAD(WakerList, Waker) WakerList;

struct Waker {
        TAILQ_ENTRY(Waker) link;
        WakerList *list; /* NULL: it does not wait */
        void (*wake)(void *data);
        void *data;
};

static inline void waker_init(Waker *waker, void (*wake)(void *data), void *data)
{
        *waker = (Waker){.wake = wake, .data = data};
}

static inline bool waker_waits(const Waker *waker)
{
        return waker->list;
}

/* It waits no more, if it did. */
static inline void waker_cancel(Waker *waker)
{
        if (!waker->list)
                return;
        TAILQ_REMOVE(waker->list, waker, link);
        waker->list = NULL;
}

/* It waits at the list's end, unless it is in that list already; in no other from now on. */
static inline void waker_wait(Waker *waker, WakerList *list)
{
        if (waker->list == list)
                return;
        waker_cancel(waker);
        TAILQ_INSERT_TAIL(list, waker, link);
        waker->list = list;
}

/* Calls who has waited longest. false: nobody waits. */
static inline bool waker_list_wake_first(WakerList *list)
{
        Waker *waker = TAILQ_FIRST(list);

        if (!waker)
                return false;
        waker_cancel(waker);
        waker->wake(waker->data);
        return true;
}

/* Calls all who wait now; those who come meanwhile wait on. */
static inline void waker_list_wake_all(WakerList *list)
{
        WakerList woken = TAILQ_HEAD_INITIALIZER(woken);
        Waker *waker;

        TAILQ_FOREACH(waker, list, link)
        waker->list = &woken;
        TAILQ_CONCAT(&woken, list, link);
        while (waker_list_wake_first(&woken)) {
        }
}
