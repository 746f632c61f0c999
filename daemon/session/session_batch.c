/* Many sources, some at a time. See session_batch.h. */
#include "daemon/session/session_batch.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/process/log.h"
#include "daemon/session/session_source.h"
#include "daemon/session/session_tell.h"
#include "daemon/session/sessions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refusals_add(Refusals *refusals, IoId id, int error)
{
        size_t i = refusals->count++;

        refusals->entries[i] = (Iod__RefusedSource)IOD__REFUSED_SOURCE__INIT;
        refusals->entries[i].id = id;
        refusals->entries[i].error = -error;
        snprintf(refusals->texts[i], sizeof(refusals->texts[i]), "%s", error_text());
        refusals->entries[i].text = refusals->texts[i];
        refusals->pointers[i] = &refusals->entries[i];
}

static int refusals_reply(Refusals *refusals, Session *session, SessionBatchAct act,
                          uint32_t sequence)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused refused = IOD__REFUSED__INIT;
        const Asked asked = {
                .request = act == SESSION_BATCH_ADD ? IOD__FRAME__BODY_ADD_IO_SOURCE
                                                    : IOD__FRAME__BODY_REMOVE_IO_SOURCE,
        };

        if (refusals->count == 0)
                return 0;
        not_done_note(session, NOT_DONE_REFUSED, refusals->count, (int)refusals->entries[0].error,
                      refusals->texts[0]);
        log_session(log_refusal_level((int)refusals->entries[0].error), &session->peer,
                    "refused %zu sources; slot %u: %s", refusals->count,
                    io_id_slot(refusals->entries[0].id), refusals->texts[0]);
        session_tell_refused(session, &asked, (uint32_t)refusals->count,
                             (int)refusals->entries[0].error, refusals->texts[0]);
        refused.n_source = refusals->count;
        refused.source = refusals->pointers;
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &refused;
        return session_reply(session, sequence, &frame);
}

/* Those from first up to last. */
static void serve_some(Session *session, SessionBatchAct act, const uint64_t *sources,
                       const FdList *fds, size_t first, size_t last, Refusals *refusals)
{
        for (size_t i = first; i < last; i++) {
                int fd = fd_list_borrow(fds, i);
                IoId id = io_id_unpack(sources[i]);
                int r = act == SESSION_BATCH_ADD ? session_add_io_source(session, fd, sources[i])
                                                 : session_remove_io_source(session, fd, id);

                if (r < 0)
                        refusals_add(refusals, id, r);
        }
        if (first < last)
                io_driver_end_batch(session->sessions->driver);
        session_settle_registrations(session);
}

static int begin(Session *session, SessionBatchAct act, uint32_t sequence, const uint64_t *sources,
                 FdList *fds)
{
        SessionBatch *batch = malloc(sizeof(*batch));

        if (!batch)
                return error_set(ENOMEM, "no memory to register so many at once");
        batch->act = act;
        batch->sequence = sequence;
        batch->next = 0;
        batch->fds = *fds;
        memcpy(batch->sources, sources, fds->count * sizeof(sources[0]));
        batch->refusals.count = 0;
        fds->count = 0;
        closer_expect(session->sessions->closer, session->lane, &batch->fds);
        session->batch = batch;
        return 0;
}

int session_batch_serve(Session *session, SessionBatchAct act, uint32_t sequence,
                        const uint64_t *sources, FdList *fds)
{
        Refusals refusals;
        int r;

        if (fds->count > SESSION_BATCH_SLICE) {
                r = begin(session, act, sequence, sources, fds);
                return r < 0 ? r : session_batch_go_on(session);
        }
        refusals.count = 0;
        serve_some(session, act, sources, fds, 0, fds->count, &refusals);
        return refusals_reply(&refusals, session, act, sequence);
}

int session_batch_go_on(Session *session)
{
        SessionBatch *batch = session->batch;
        size_t left = batch->fds.count - batch->next;
        size_t last = batch->next + (left < SESSION_BATCH_SLICE ? left : SESSION_BATCH_SLICE);
        int r;

        serve_some(session, batch->act, batch->sources, &batch->fds, batch->next, last,
                   &batch->refusals);
        batch->next = last;
        if (last < batch->fds.count)
                return 0;
        r = refusals_reply(&batch->refusals, session, batch->act, batch->sequence);
        session_batch_drop(session);
        return r;
}

void session_batch_drop(Session *session)
{
        SessionBatch *batch = STEAL_PTR(session->batch);

        if (!batch)
                return;
        closer_push_expected(session->sessions->closer, session->lane, &batch->fds);
        free(batch);
}
