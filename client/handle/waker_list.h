/*
 * WakerList: those who wait for one thing, or who are to be called, first come first.
 *
 * A list through the wakers themselves: nothing is allocated. Guarded by the handle's lock.
 */
#pragma once

#include "client/kyron.h"

typedef struct WakerList {
        KyronWaker *first;
        KyronWaker *last;
} WakerList;

void waker_list_append(WakerList *list, KyronWaker *waker);
void waker_list_remove(WakerList *list, KyronWaker *waker);
