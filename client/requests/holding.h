/* Keeping a connection on death, for the net types. The rest of holding.c is in kyron.h. */
#pragma once

#include "client/readiness/bridged_fd.h"

/* What the streams' keep functions do. */
int holding_keep(KyronBridgedFd *stream, const void *note, size_t note_size,
                 KyronOperation *operation);

/* A stream has another id: so have the requests to keep it. Lock held. */
void holding_renumber(KyronIoDriverHandle *handle, IoId from, IoId to);
