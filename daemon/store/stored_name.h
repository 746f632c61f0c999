/*
 * Storing: what of the daemon's goes to systemd's store, and under which names.
 *
 *   owned-listener-NUMBER     the socket, and its record
 *   owned-hold-NUMBER         the descriptor, and its record
 *   owned-hold-NUMBER-note    its note
 *   owned-connection-NUMBER-LISTENER   one that waits, of the listener with that number
 *   owned-returned-NUMBER-LISTENER     one that a worker had before; both may have a note
 *
 * The numbers are the daemon's own, and go on after it. A name is never a client's word, and a note
 * never under the same name as a record, so that no client's file is taken for one.
 */
#pragma once

#include "daemon/store/descriptor_store.h"

typedef struct Connection Connection;
typedef struct Hold Hold;
typedef struct Listener Listener;

typedef enum StoredKind {
        STORED_LISTENER,
        STORED_HOLD,
        STORED_CONNECTION,
        STORED_RETURNED,
        STORED_KIND_COUNT,
} StoredKind;

typedef struct StoredName {
        StoredKind kind;
        uint64_t number;
        uint64_t listener; /* of a connection; else 0 */
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
/* Without a record: its name says it all, and it is two system calls less. */
bool storing_connection(DescriptorStore *store, const Connection *connection);
void storing_forget_connection(DescriptorStore *store, const Connection *connection);

/* Whatever it is. */
void storing_forget(DescriptorStore *store, StoredName name, bool has_note);
/* How many descriptors are under the name itself. */
size_t storing_count(StoredKind kind);
