/* Requests that were not done. See not_done.h. */
#include "daemon/session/not_done.h"

#include "core/cleanup.h"
#include "core/clock.h"
#include "daemon/session/sessions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

NotDoneWhy not_done_why(int error)
{
        switch (error) {
        /* The daemon itself says none of these: they are the machine's. */
        case EADDRINUSE:
        case EADDRNOTAVAIL:
        case EIO:
        case ELOOP:
        case EMFILE:
        case ENFILE:
        case ENETDOWN:
        case ENETUNREACH:
        case ENOBUFS:
        case ENODEV:
        case ENOMEM:
        case ENOSPC:
        case ENOTDIR:
        case EROFS:
                return NOT_DONE_FAILED;
        default:
                return NOT_DONE_REFUSED;
        }
}

void not_done_note(Session *session, NotDoneWhy why, uint64_t n, int error, const char *text)
{
        NotDone *not_done = &session->not_done;

        not_done->counts[why] += n;
        session->sessions->not_done[why] += n;
        if (why == NOT_DONE_CANCELLED)
                return;
        if (!not_done->text)
                not_done->text = malloc(FRAME_TEXT_MAX);
        /* Without memory for the sentence, there is none to be told. */
        if (!not_done->text)
                return;
        not_done->error = error;
        not_done->failed = why == NOT_DONE_FAILED;
        not_done->at_ms = clock_now_ms();
        snprintf(not_done->text, FRAME_TEXT_MAX, "%s", text);
}

void not_done_free(NotDone *not_done)
{
        free(STEAL_PTR(not_done->text));
}

void not_done_note_stranger(Sessions *sessions)
{
        sessions->not_done[NOT_DONE_REFUSED]++;
}
