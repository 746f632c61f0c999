/* One connected client. See session.h. */
#include "daemon/session/session.h"

#include "core/error.h"
#include "daemon/process/log.h"
#include "daemon/session/answer.h"
#include "daemon/session/session_closed.h"
#include "daemon/session/session_events.h"
#include "daemon/session/session_tell.h"
#include "daemon/session/sessions.h"
#include "proto/frame_socket.h"

#include <stdio.h>
#include <string.h>

void session_say_goodbye(Session *session, uint32_t sequence, int error, const char *text)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused refused = IOD__REFUSED__INIT;
        uint8_t bytes[FRAME_BYTES_MAX];
        char sentence[FRAME_TEXT_MAX];
        int size;

        refused.error = -error;
        snprintf(sentence, sizeof(sentence), "%s", text);
        refused.text = sentence;
        refused.session_ends = true;
        frame.sequence = sequence;
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &refused;
        size = frame_encode(&frame, bytes);
        /* As far as it goes: a client that has not read gets no more. */
        if (size > 0)
                frame_socket_send(session->socket_fd, bytes, (size_t)size, NULL, 0);
}

int session_reply(Session *session, uint32_t sequence, Iod__Frame *frame)
{
        int r;

        if (session->closed)
                return 0;
        frame->sequence = sequence;
        if (session->replies_late)
                return answer_frame(session, frame);
        r = notifier_send_reply(&session->notifier, frame);
        if (session_closed_says(r)) {
                session_closed_begin(session);
                return 0;
        }
        return r < 0 ? error_set(-r, "the reply could not be sent: %s", strerror(-r)) : 0;
}

int session_reply_done(Session *session, uint32_t sequence)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Done done = IOD__DONE__INIT;

        frame.body_case = IOD__FRAME__BODY_DONE;
        frame.done = &done;
        return session_reply(session, sequence, &frame);
}

static void end(Session *session, int error, const char *why)
{
        if (session->ended)
                return;
        session->ended = true;
        session_events_stop(session);
        later_wake_on_return(&session->sessions->loop->later, &session->end);
        if (session->open)
                session_tell(session, IOD__WHAT__SESSION_ENDED, error, why);
}

void session_end(Session *session)
{
        end(session, 0, session->process_gone ? "its process has ended" : "its client closed");
}

/* The log keeps what the client may not read. */
void session_fail(Session *session, uint32_t sequence, int error)
{
        log_session(LOG_NOTICE, &session->peer, "ends: %s", error_text());
        not_done_note_stranger(session->sessions);
        session_say_goodbye(session, sequence, error, error_text());
        session_tell(session, IOD__WHAT__SESSION_FAILED, -error, error_text());
        end(session, -error, error_text());
}

void session_end_for(Session *session, int error)
{
        log_session(LOG_NOTICE, &session->peer, "ends: %s", error_text());
        session_say_goodbye(session, 0, error, error_text());
        end(session, -error, error_text());
}

void session_deliver_soon(Session *session)
{
        if (!session->ended)
                later_wake(&session->sessions->loop->later, &session->deliver);
}
