/* The end of a listener. See listener_end.h. */
#include "daemon/listen/listener_end.h"

#include "daemon/listen/accepting.h"
#include "daemon/loop/timer.h"
#include "daemon/session/answer.h"
#include "daemon/session/session.h"

#include <errno.h>
#include <stdio.h>

static const struct timeval next_turn;

static void tell(const Worker *worker, const char *why)
{
        Session *session = worker->session;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__EndpointClosed closed = IOD__ENDPOINT_CLOSED__INIT;

        if (worker->is_taker || worker->left || session->ended || session->closed)
                return;
        closed.endpoint = worker->endpoint;
        closed.error = ECANCELED;
        closed.text = (char *)why;
        frame.body_case = IOD__FRAME__BODY_ENDPOINT_CLOSED;
        frame.endpoint_closed = &closed;
        if (answer_frame(session, &frame) < 0)
                session_fail(session, 0, error_set(ENOMEM, "no memory to go on"));
}

void listener_end_go_on(Listener *listener)
{
        uint32_t connections = LISTENER_END_CONNECTIONS_PER_TURN;
        Worker *worker;

        for (int i = 0; (worker = TAILQ_FIRST(&listener->group.workers)); i++) {
                if (i == LISTENER_END_WORKERS_PER_TURN || connections == 0) {
                        timer_arm(listener->group.listeners->loop, listener->expires, &next_turn,
                                  &listener->again);
                        return;
                }
                tell(worker, listener->ends_why);
                worker_let_go(worker, &connections);
        }
        listener_close(listener, listener->ends_why);
}

void listener_end(Listener *listener, const char *why)
{
        listener->ends = true;
        snprintf(listener->ends_why, sizeof(listener->ends_why), "%s", why);
        listeners_remove(listener);
        listener_update(listener);
        listener_end_go_on(listener);
}
