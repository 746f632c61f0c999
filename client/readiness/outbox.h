/*
 * Outbox: the registrations on their way from the handle to the daemon. Those made in one turn
 * leave together, in packets of up to 253, with the ids of those closed since; nothing waits for an
 * answer. What leaves before them and after them is in turn/flush.h.
 *
 * While the daemon does not read, what is to be sent stays in the handle (it is a list through the
 * registrations themselves) and the handle's wait also ends when there is room again.
 *
 * Every function here is called with the handle's lock held.
 */
#pragma once

#include "client/handle/io_driver_handle.h"

/* Something the program has taken over, of which the daemon is to be told. */
struct Taken {
        TAILQ_ENTRY(Taken) link; /* the handle's */
        IoId id;                 /* IO_ID_NONE: it is in no list */
};

/* Sends registrations, the ends of some and what was taken: 0, -EAGAIN or -EHOSTDOWN. */
int outbox_flush_sources(KyronIoDriverHandle *handle);

/* The source's add_io_source: queues a registration, or a wider interest, for the next packet. 0,
 * -EHOSTDOWN, -EDQUOT or -ENOMEM with error_text(). */
int outbox_add_io_source(KyronIoDriverHandle *handle, KyronAsyncRegistration *registration);

/* Queues every registration that has been waited for; and takes those that were not sent out of the
 * queue: they are served here from now on. */
void outbox_queue_all(KyronIoDriverHandle *handle);
void outbox_withdraw_all(KyronIoDriverHandle *handle);

/* The source's remove_io_source, for a file that stays open: sends it along. 0, or -EAGAIN when
 * the daemon has to read first. */
int outbox_remove_io_source(KyronIoDriverHandle *handle,
                            const KyronAsyncRegistration *registration);

/* The program has it: the next packet says so. And that it need not any more. */
void outbox_take(KyronIoDriverHandle *handle, Taken *taken, IoId id);
void outbox_forget_taken(KyronIoDriverHandle *handle, Taken *taken);

/* Takes a registration that was not sent out of the queue, and serves it here no more. */
void outbox_withdraw(KyronAsyncRegistration *registration);

/* Takes the registration out of slots and queue. Unless the daemon was told, or need not be, the
 * next packet says that its file is closed. Of a PassedStream the daemon is told without fail. */
void outbox_forget(KyronIoDriverHandle *handle, KyronAsyncRegistration *registration, bool told);
