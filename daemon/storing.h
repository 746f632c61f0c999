/*
 * Storing: what of the daemon's goes to systemd's store, and under which names.
 *
 *   owned-listener-NUMBER     the socket, and its record
 *   owned-hold-NUMBER         the descriptor, and its record
 *   owned-hold-NUMBER-note    its note
 *
 * The numbers are the daemon's own, and go on after it. A name is never a client's word, and a note
 * never under the same name as a record, so that no client's file is taken for one.
 */
#pragma once

#include "daemon/descriptor_store.h"

typedef struct Hold Hold;
typedef struct Listener Listener;

typedef enum StoredKind {
        STORED_LISTENER,
        STORED_HOLD,
        STORED_KIND_COUNT,
} StoredKind;

typedef struct StoredName {
        StoredKind kind;
        uint64_t number;
        bool is_note;
} StoredName;

/* false: it is none of these names. */
bool storing_read_name(const char *text, StoredName *out);

/* Whether it is in the store now, or on its way there. It has to be forgotten before its
 * descriptors are closed. */
bool storing_listener(DescriptorStore *store, const Listener *listener);
void storing_forget_listener(DescriptorStore *store, uint64_t number);
bool storing_hold(DescriptorStore *store, const Hold *hold);
void storing_forget_hold(DescriptorStore *store, uint64_t number, bool has_note);
