/*
 * Record: what is known of something that the daemon owns beyond its own life (state.proto), sealed
 * in a memfd. A record describes its descriptor and does not contain it; whoever keeps both keeps
 * them together, and who makes one of what it owns does so in a file of its own room.
 *
 * What is read back was written by an earlier run of the daemon, perhaps by another release: it is
 * checked like anything from outside, and what is not understood is refused, never guessed.
 */
#pragma once

#include "core/address.h"
#include "daemon/store/state.pb-c.h"

#include <stddef.h>

enum {
        RECORD_VERSION = 1,
        /* Bytes of a record: the longest address and name, and room for fields yet unknown. */
        RECORD_BYTES_MAX = 4096,
};

/* A record made of a live object, which has to stay as long. The message points to one of the
 * others. */
typedef struct Record {
        State__Record message;
        State__Listener listener;
        State__Hold hold;
        State__Connection connection;
        char address[ADDRESS_TEXT_MAX];
} Record;

/* Whether nobody can change it any more: 0 with its size, or -EINVAL with error_text(). */
int record_check_sealed(int borrow_fd, size_t size_max, size_t *size);

/* Seals a record in a memfd of its own: the descriptor, or -errno with error_text(). */
int record_seal(const Record *record);
/* Reads it back. 0, or with error_text(): -EINVAL it is not one that was sealed here, -EPROTO its
 * version or what it says is not understood, -ENOMEM. */
int record_read(int borrow_fd, State__Record **out);
/* Returns NULL. */
State__Record *record_free(State__Record *record);
