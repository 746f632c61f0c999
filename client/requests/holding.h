/* Keeping a connection on death, for the net types. The rest of holding.c is in kyron.h. */
#pragma once

#include "client/readiness/bridged_fd.h"

/* What the streams' keep functions do. */
int holding_keep(KyronBridgedFd *stream, const void *note, size_t note_size,
                 KyronOperation *operation);
