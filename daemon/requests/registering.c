/* Hello, AddIoSource, RemoveIoSource. See registering.h. */
#include "daemon/requests/registering.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/config/authorise.h"
#include "daemon/daemon.h"
#include "daemon/listen/in_hand.h"
#include "daemon/process/log.h"
#include "daemon/session/session_batch.h"
#include "daemon/session/session_direct.h"
#include "daemon/session/session_source.h"
#include "daemon/session/session_tell.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_printable(const char *text)
{
        for (; *text; text++) {
                if (*text < ' ' || *text > '~')
                        return false;
        }
        return true;
}

/* Whether it was welcomed with a pulse. */
static bool welcome_with_pulse(Session *session, Iod__Frame *frame)
{
        CLEANUP(cleanup_close) int fd = -1;

        if (session->closed ||
            !in_flight_has_room(session->sessions->in_flight, &session->in_flight, 1))
                return false;
        fd = session_pulse_begin(session);
        if (fd < 0) {
                if (fd != -EDQUOT)
                        log_session(LOG_INFO, &session->peer, "has no pulse: %s", strerror(-fd));
                return false;
        }
        frame->welcome->pulse = true;
        if (delivery_send_descriptors(session, frame, &fd, 1) == 0)
                return true;
        session_pulse_end(session);
        frame->welcome->pulse = false;
        frame->descriptors = 0;
        /* If the client has closed, the other answer meets that, too. */
        return false;
}

static void tell_return(const Session *session, uint64_t away_ms)
{
        char text[FRAME_TEXT_MAX];

        snprintf(text, sizeof(text), "after %" PRIu64 " ms without a daemon", away_ms);
        session_tell(session, IOD__WHAT__CLIENT_RETURNED, 0, text);
}

int registering_hello(Daemon *daemon, Session *session, const Iod__Frame *request)
{
        const Iod__Hello *hello = request->hello;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Welcome welcome = IOD__WELCOME__INIT;

        if (hello->version != FRAME_PROTOCOL_VERSION)
                return error_set(EPROTONOSUPPORT,
                                 "protocol version %u is not spoken here: this daemon speaks %d",
                                 hello->version, FRAME_PROTOCOL_VERSION);
        if (strlen(hello->program) > FRAME_PROGRAM_MAX || !is_printable(hello->program))
                return error_set(EINVAL, "a program's name is at most %d bytes of printable ASCII",
                                 FRAME_PROGRAM_MAX);
        if (*hello->program)
                strcpy(session->peer.program, hello->program);
        session->open = true;
        session->program =
                programs_join(&daemon->sessions.programs, session->peer.program, session->peer.uid);
        session->takes_answers = hello->answers;
        loop_event_del_time(session->readable);
        log_session(LOG_DEBUG, &session->peer, "opened");
        session_tell(session, IOD__WHAT__SESSION_BEGAN, 0, NULL);
        if (hello->away_ms > 0)
                tell_return(session, hello->away_ms);

        welcome.version = FRAME_PROTOCOL_VERSION;
        welcome.epoch = daemon->epoch;
        welcome.session = session->id;
        welcome.registrations_max = session->registrations.limit;
        welcome.release = (char *)PACKAGE_VERSION;
        welcome.deliveries = authorise_deliveries(daemon->config->policy, &session->peer);
        session_direct_set(session, !(welcome.deliveries & AUTHORISE_RELAYED));
        welcome.requests_max = FRAME_REQUESTS_MAX;
        frame.body_case = IOD__FRAME__BODY_WELCOME;
        frame.welcome = &welcome;
        frame.sequence = request->sequence;
        if (hello->pulse && welcome_with_pulse(session, &frame))
                return 0;
        return session_reply(session, request->sequence, &frame);
}

static int check_source_count(size_t sources, const FdList *fds, const char *name)
{
        if (sources == fds->count)
                return 0;
        return error_set(EBADMSG, "%s names %zu sources and came with %zu descriptors", name,
                         sources, fds->count);
}

/* They are served in one go. */
static int check_id_count(const Iod__AddIoSource *add)
{
        if (add->n_gone <= FRAME_IDS_MAX && add->n_taken <= FRAME_IDS_MAX)
                return 0;
        return error_set(EINVAL, "a packet names at most %d ids that are gone, and %d taken ones",
                         FRAME_IDS_MAX, FRAME_IDS_MAX);
}

/* A taken listener's file stays open here, so that closing it does not end its registration. */
static bool remove_taken(Session *session, IoId id, const RegistrationInfo *info)
{
        const Worker *worker;

        /* A connection's is no listener's. */
        if (info->owner)
                return false;
        /* Takers come first. */
        TAILQ_FOREACH(worker, &session->workers, session_link)
        {
                const Listener *listener = listener_of(worker->group);

                if (!worker->is_taker)
                        break;
                if (listener->fd >= 0 && listener->inode == info->inode &&
                    session_remove_io_source(session, listener->fd, id) == 0)
                        return true;
        }
        return false;
}

static void forget_gone(Session *session, const Iod__AddIoSource *request)
{
        for (size_t i = 0; i < request->n_gone; i++) {
                IoId id = io_id_unpack(request->gone[i]);
                RegistrationInfo *info = registration_set_recreate(&session->registrations, id);

                if (info && !remove_taken(session, id, info))
                        registration_set_forget(&session->registrations, id);
        }
}

static void take_connections(Session *session, const Iod__AddIoSource *request)
{
        for (size_t i = 0; i < request->n_taken; i++) {
                const RegistrationInfo *info = registration_set_recreate(
                        &session->registrations, io_id_unpack(request->taken[i]));
                Connection *connection = info ? worker_connection(info) : NULL;

                if (connection)
                        worker_taken(connection);
        }
}

int registering_add(Daemon *daemon, Session *session, const Iod__Frame *request, FdList *fds)
{
        const Iod__AddIoSource *add = request->add_io_source;
        int r;

        (void)daemon;
        r = check_source_count(add->n_source, fds, "add_io_source");
        if (r == 0 && add->n_source > 0 && !session->is_direct)
                r = session_open_set(session);
        if (r < 0)
                return r;
        r = check_id_count(add);
        if (r < 0)
                return -r;
        take_connections(session, add);
        forget_gone(session, add);
        return session_batch_serve(session, SESSION_BATCH_ADD, request->sequence, add->source, fds);
}

int registering_remove(Daemon *daemon, Session *session, const Iod__Frame *request, FdList *fds)
{
        const Iod__RemoveIoSource *remove = request->remove_io_source;
        int r;

        (void)daemon;
        r = check_source_count(remove->n_source, fds, "remove_io_source");
        if (r < 0)
                return r;
        return session_batch_serve(session, SESSION_BATCH_REMOVE, request->sequence, remove->source,
                                   fds);
}
