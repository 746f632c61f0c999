/*
 * SessionBatch: the sources of an AddIoSource or RemoveIoSource, served some at a time.
 *
 * A full packet takes a millisecond or two, which everybody else would have to wait. So of many
 * sources only SESSION_BATCH_SLICE are served at once; the others wait here, with all descriptors
 * of the packet, while the session is in its user's line (time_share.h), where each round serves as
 * many again. Meanwhile the session is not served otherwise: its requests wait in its socket, its
 * readiness in its set. When all are done, what was refused is told in one frame, then what is
 * ready, and then the next request is read.
 *
 * The descriptors have their places in the closer's lane as if they were being closed, so that what
 * the daemon has open stays bounded; and a lane's places bound how many batches there are.
 *
 * Owned by the session, from the packet until all are done or the session ends.
 */
#pragma once

#include "core/fd_list.h"
#include "daemon/session/session.h"

/* Some 80 microseconds. */
enum { SESSION_BATCH_SLICE = 16 };

typedef enum SessionBatchAct {
        SESSION_BATCH_ADD,
        SESSION_BATCH_REMOVE,
} SessionBatchAct;

/* The sources that were refused, with their sentences. */
typedef struct Refusals {
        size_t count;
        Iod__RefusedSource *pointers[FRAME_SOURCES_MAX];
        Iod__RefusedSource entries[FRAME_SOURCES_MAX];
        char texts[FRAME_SOURCES_MAX][FRAME_TEXT_MAX];
} Refusals;

typedef struct SessionBatch {
        SessionBatchAct act;
        uint32_t sequence;
        size_t next; /* to be served */
        FdList fds;
        uint64_t sources[FRAME_SOURCES_MAX]; /* as many */
        Refusals refusals;
} SessionBatch;

/*
 * Serves the sources, of which there are as many as descriptors. If there are too many for once,
 * the first of them, and takes the descriptors: the session has a batch then. 0, or -errno with
 * error_text(), which ends the session: -ENOMEM, or as session_reply().
 */
int session_batch_serve(Session *session, SessionBatchAct act, uint32_t sequence,
                        const uint64_t *sources, FdList *fds);
/* The next ones, when the session may be sent something. With the last, the batch is gone. As
 * session_batch_serve(). */
int session_batch_go_on(Session *session);
/* The session ends. */
void session_batch_drop(Session *session);
