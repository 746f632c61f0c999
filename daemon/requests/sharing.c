/* Joining, offering, leaving. See sharing.h. */
#include "daemon/requests/sharing.h"

#include "core/error.h"
#include "daemon/config/authorise.h"
#include "daemon/daemon.h"
#include "daemon/process/log.h"
#include "daemon/requests/named_listener.h"
#include "daemon/requests/waiting_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int sharing_join(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        const Iod__Join *join = request->join;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Joined joined = IOD__JOINED__INIT;
        Listener *listener;
        Worker *worker;
        int r;

        if (join->weight > WORKER_WEIGHT_MAX)
                return -error_set(EINVAL, "a worker's weight is at most %d", WORKER_WEIGHT_MAX);
        r = worker_check_sources(&daemon->listeners, session, join->source, join->n_source);
        if (r == 0)
                r = named_listener_find(daemon, session, join->name, join->address, true,
                                        join->options, &listener);
        if (r < 0)
                return -r;
        if (r > 0)
                return waiting_request_keep(daemon, session, request, listener,
                                            r == NAMED_LISTENER_OPENS);
        if (join->keep_on_death)
                r = authorise(daemon->config->policy, &session->peer, POLICY_HOLD, NULL,
                              listener->config.name);
        if (r == 0)
                r = worker_join(&listener->group, session, false, &worker);
        if (r != 0) {
                listener_close_unused(listener);
                return -r;
        }
        worker->weight = join->weight ? join->weight : 1;
        worker->keep_on_death = join->keep_on_death;
        worker->draining = session->draining;
        r = worker_offer(worker, join->source, join->n_source);
        if (r < 0) {
                worker_leave(worker);
                return -r;
        }

        joined.endpoint = worker->endpoint;
        joined.address = listener->address;
        frame.body_case = IOD__FRAME__BODY_JOINED;
        frame.joined = &joined;
        return session_reply(session, request->sequence, &frame);
}

static int find_worker(const Session *session, uint32_t endpoint, Worker **out)
{
        *out = worker_find(session, endpoint);
        return *out ? 0 : error_set(ENOENT, "this session has no endpoint %u", endpoint);
}

int sharing_offer(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        const Iod__Offer *offer = request->offer;
        Worker *worker;
        int r = find_worker(session, offer->endpoint, &worker);

        (void)daemon;
        if (r == 0)
                r = worker_offer(worker, offer->source, offer->n_source);
        return -r;
}

int sharing_leave(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        Worker *worker;
        int r = find_worker(session, request->leave->endpoint, &worker);

        (void)daemon;
        if (r < 0)
                return -r;
        worker_leave(worker);
        return session_reply_done(session, request->sequence);
}
