/*
 * ListenerRecord: what of a listener and of its connections outlives the daemon: the socket with a
 * record of it; and a connection that waits, whose name in the store says it all.
 */
#pragma once

#include "daemon/listen/listener.h"
#include "daemon/store/record.h"
#include "daemon/store/stored_name.h"

/* The record is of the listener's, which has to stay as long. */
void listener_record_make(const Listener *listener, Record *out);
/* What a listener was opened with. 0, or -EPROTO with error_text(). */
int listener_record_read_config(const State__Listener *record, ListenerConfig *out);

SocketFile listener_record_read_file(const State__Listener *record);

/* Whether it is in the store now, or on its way there. It has to be forgotten before its
 * descriptors are closed. */
bool listener_record_store(DescriptorStore *store, const Listener *listener);
void listener_record_forget(DescriptorStore *store, uint64_t number);

/* The record is for a handover alone. */
void listener_record_make_connection(const Connection *connection, Record *out);
/* Without a record: it is two system calls less. */
bool listener_record_store_connection(DescriptorStore *store, const Connection *connection);
void listener_record_forget_connection(DescriptorStore *store, const Connection *connection);
