/* Wakers in a list. See waker_list.h. */
#include "client/handle/waker_list.h"

void waker_list_append(WakerList *list, KyronWaker *waker)
{
        waker->internal.next = NULL;
        waker->internal.previous = list->last;
        if (list->last)
                list->last->internal.next = waker;
        else
                list->first = waker;
        list->last = waker;
}

void waker_list_remove(WakerList *list, KyronWaker *waker)
{
        KyronWaker *next = waker->internal.next;
        KyronWaker *previous = waker->internal.previous;

        if (next)
                next->internal.previous = previous;
        else
                list->last = previous;
        if (previous)
                previous->internal.next = next;
        else
                list->first = next;
}
