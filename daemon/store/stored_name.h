/*
 * StoredName: the names under which what is the daemon's goes to systemd's store.
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
#include "daemon/store/record.h"

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
bool stored_name_read(const char *text, StoredName *out);

/*
 * Puts it into the store, with its note unless that is -1, and with its record unless that is NULL.
 * Whether it is there now, or on its way; then it has to be forgotten before its descriptors are
 * closed.
 */
bool stored_name_add(DescriptorStore *store, StoredName name, int borrow_fd, int borrow_note_fd,
                     const Record *record);
void stored_name_forget(DescriptorStore *store, StoredName name, bool has_note);
/* How many descriptors are under the name itself. */
size_t stored_name_count(StoredKind kind);
