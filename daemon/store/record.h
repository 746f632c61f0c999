/*
 * State: what the daemon owns beyond its own life, as records (state.proto): one for each listener
 * and hold, sealed in a memfd. A record describes its descriptor and does not contain it; whoever
 * keeps both keeps them together.
 *
 * What is read back was written by an earlier run of the daemon, perhaps by another release: it is
 * checked like anything from outside, and what is not understood is refused, never guessed.
 */
#pragma once

#include "daemon/hold/hold.h"
#include "daemon/listen/listener.h"
#include "daemon/store/state.pb-c.h"

enum {
        STATE_VERSION = 1,
        /* Bytes of a record: the longest address and name, and room for fields yet unknown. */
        STATE_RECORD_MAX = 4096,
};

/* A record made of a live object, which has to stay as long. */
typedef struct StateRecord {
        State__Record record;
        State__Listener listener;
        State__Hold hold;
        State__Connection connection;
        char address[ADDRESS_TEXT_MAX];
} StateRecord;

void state_of_listener(const Listener *listener, StateRecord *out);
void state_of_hold(const Hold *hold, StateRecord *out);
void state_of_connection(const Connection *connection, StateRecord *out);

/* Seals bytes in a memfd of their own: the descriptor, or -errno with error_text(). */
int state_seal_bytes(const void *bytes, size_t size);
/* Whether nobody can change it any more: 0 with its size, or -EINVAL with error_text(). */
int state_check_sealed(int borrow_fd, size_t size_max, size_t *size);

/* Seals a record in a memfd of its own: the descriptor, or -errno with error_text(). */
int state_seal(const StateRecord *record);
/* Reads it back. 0, or with error_text(): -EINVAL it is not one that was sealed here, -EPROTO its
 * version or what it says is not understood, -ENOMEM. */
int state_read(int borrow_fd, State__Record **out);
/* Returns NULL. */
State__Record *state_free(State__Record *record);

/* What a listener was opened with. 0, or -EPROTO with error_text(). */
int state_to_listener_config(const State__Listener *record, ListenerConfig *out);
