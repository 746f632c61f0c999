/* The requests of a session. See session_dispatch.h. */
#include "daemon/session_dispatch.h"

#include "core/error.h"
#include "daemon/inspect.h"
#include "daemon/log.h"
#include "daemon/server.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

/* 0, a positive errno to refuse the request and go on, or -errno to end the session; with
 * error_text() unless 0. */
typedef int (*Handler)(Session *session, const Iod__Frame *request, FdList *fds);

/* The sources of one packet that were refused, with their sentences. */
typedef struct Refusals {
        size_t count;
        Iod__RefusedSource *pointers[FRAME_SOURCES_MAX];
        Iod__RefusedSource entries[FRAME_SOURCES_MAX];
        char texts[FRAME_SOURCES_MAX][FRAME_TEXT_MAX];
} Refusals;

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

static int refusals_reply(Refusals *refusals, Session *session, uint32_t sequence)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused refused = IOD__REFUSED__INIT;

        if (refusals->count == 0)
                return 0;
        session->refusals += refusals->count;
        session->server->refusals += refusals->count;
        log_session(LOG_DEBUG, session, "refused %zu sources; slot %u: %s", refusals->count,
                    io_id_slot(refusals->entries[0].id), refusals->texts[0]);
        refused.n_source = refusals->count;
        refused.source = refusals->pointers;
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &refused;
        return session_reply(session, sequence, &frame);
}

static int charge_registration(Session *session)
{
        Server *server = session->server;
        int r;

        session_settle_registrations(session);
        r = quota_charge(&server->quota, session->user, QUOTA_REGISTRATIONS, 1);
        if (r < 0)
                return r;
        session->charged_registrations++;
        server->registration_count++;
        return 0;
}

static bool is_printable(const char *text)
{
        for (; *text; text++) {
                if (*text < ' ' || *text > '~')
                        return false;
        }
        return true;
}

static int hello(Session *session, const Iod__Frame *request, FdList *fds)
{
        const Iod__Hello *hello = request->hello;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Welcome welcome = IOD__WELCOME__INIT;

        (void)fds;
        if (hello->version != FRAME_PROTOCOL_VERSION)
                return error_set(EPROTONOSUPPORT,
                                 "protocol version %u is not spoken here: this daemon speaks %d",
                                 hello->version, FRAME_PROTOCOL_VERSION);
        if (strlen(hello->program) > FRAME_PROGRAM_MAX || !is_printable(hello->program))
                return error_set(EINVAL, "a program's name is at most %d bytes of printable ASCII",
                                 FRAME_PROGRAM_MAX);
        if (*hello->program)
                strcpy(session->program, hello->program);
        session->open = true;
        event_remove_timer(session->readable);
        log_session(LOG_DEBUG, session, "opened");

        welcome.version = FRAME_PROTOCOL_VERSION;
        welcome.epoch = session->server->epoch;
        welcome.session = session->id;
        welcome.registrations_max = session->registrations.limit;
        welcome.release = (char *)PACKAGE_VERSION;
        frame.body_case = IOD__FRAME__BODY_WELCOME;
        frame.welcome = &welcome;
        return session_reply(session, request->sequence, &frame);
}

static int check_source_count(size_t sources, const FdList *fds, const char *name)
{
        if (sources == fds->count)
                return 0;
        return error_set(EBADMSG, "%s names %zu sources and came with %zu descriptors", name,
                         sources, fds->count);
}

static void forget_gone(Session *session, const Iod__AddIoSource *request)
{
        for (size_t i = 0; i < request->n_gone; i++) {
                RegistrationInfo *info = registration_set_recreate(&session->registrations,
                                                                   io_id_unpack(request->gone[i]));

                if (info)
                        registration_set_forget(&session->registrations, info);
        }
}

static int add_one_source(Session *session, int borrow_fd, uint64_t packed)
{
        IoId id = io_id_unpack(packed);
        RegistrationSet *set = &session->registrations;
        int r = 0;

        if (!registration_set_is_occupied(set, id))
                r = charge_registration(session);
        if (r == 0)
                r = io_driver_add_io_source(&session->server->driver, set, borrow_fd, id,
                                            io_id_unpack_readiness(packed));
        return r;
}

static int add_io_source(Session *session, const Iod__Frame *request, FdList *fds)
{
        const Iod__AddIoSource *add = request->add_io_source;
        RegistrationSet *set = &session->registrations;
        Refusals refusals;
        int r;

        r = check_source_count(add->n_source, fds, "add_io_source");
        if (r < 0)
                return r;
        if (add->n_source > 0 && set->selector.epoll_fd < 0) {
                r = selector_open(&set->selector);
                if (r < 0)
                        return error_set(-r, "no epoll set for this session: %s", strerror(-r));
                r = session_watch_set(session);
                if (r < 0)
                        return r;
        }

        refusals.count = 0;
        forget_gone(session, add);
        for (size_t i = 0; i < add->n_source; i++) {
                r = add_one_source(session, fd_list_borrow(fds, i), add->source[i]);
                if (r < 0)
                        refusals_add(&refusals, io_id_unpack(add->source[i]), r);
        }
        io_driver_end_batch(&session->server->driver);
        session_settle_registrations(session);
        return refusals_reply(&refusals, session, request->sequence);
}

static int remove_io_source(Session *session, const Iod__Frame *request, FdList *fds)
{
        const Iod__RemoveIoSource *remove = request->remove_io_source;
        Refusals refusals;
        int r;

        r = check_source_count(remove->n_source, fds, "remove_io_source");
        if (r < 0)
                return r;
        refusals.count = 0;
        for (size_t i = 0; i < remove->n_source; i++) {
                IoId id = io_id_unpack(remove->source[i]);

                r = io_driver_remove_io_source(&session->server->driver, &session->registrations,
                                               fd_list_borrow(fds, i), id);
                if (r < 0)
                        refusals_add(&refusals, id, r);
        }
        io_driver_end_batch(&session->server->driver);
        session_settle_registrations(session);
        return refusals_reply(&refusals, session, request->sequence);
}

static int get_status(Session *session, const Iod__Frame *request, FdList *fds)
{
        (void)fds;
        return inspect_get_status(session, request);
}

static int list_sessions(Session *session, const Iod__Frame *request, FdList *fds)
{
        (void)fds;
        return inspect_list_sessions(session, request);
}

static int list_registrations(Session *session, const Iod__Frame *request, FdList *fds)
{
        (void)fds;
        return inspect_list_registrations(session, request);
}

static const struct {
        Iod__Frame__BodyCase body;
        bool before_open; /* else after */
        bool takes_descriptors;
        Handler handler;
} requests[] = {
        {IOD__FRAME__BODY_HELLO, true, false, hello},
        {IOD__FRAME__BODY_ADD_IO_SOURCE, false, true, add_io_source},
        {IOD__FRAME__BODY_REMOVE_IO_SOURCE, false, true, remove_io_source},
        {IOD__FRAME__BODY_GET_STATUS, false, false, get_status},
        {IOD__FRAME__BODY_LIST_SESSIONS, false, false, list_sessions},
        {IOD__FRAME__BODY_LIST_REGISTRATIONS, false, false, list_registrations},
};

/* Refuses a request as a whole; the session goes on. */
static int refuse(Session *session, uint32_t sequence, int error)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused refused = IOD__REFUSED__INIT;
        char text[FRAME_TEXT_MAX];

        session->refusals++;
        session->server->refusals++;
        log_session(LOG_DEBUG, session, "refused: %s", error_text());
        refused.error = error;
        snprintf(text, sizeof(text), "%s", error_text());
        refused.text = text;
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &refused;
        return session_reply(session, sequence, &frame);
}

static int refuse_unknown(Session *session, const Iod__Frame *request)
{
        if (request->body_case != IOD__FRAME__BODY__NOT_SET)
                error_set(EOPNOTSUPP, "%s is a frame from the daemon, not to it",
                          frame_body_name(request->body_case));
        else if (frame_unknown_body(request) != 0)
                error_set(EOPNOTSUPP, "frame %u of iod.proto is unknown to this daemon (%s)",
                          frame_unknown_body(request), PACKAGE_VERSION);
        else
                error_set(EOPNOTSUPP, "a frame without a body asks for nothing");
        return refuse(session, request->sequence, EOPNOTSUPP);
}

int session_dispatch(Session *session, const void *bytes, size_t size, FdList *fds,
                     uint32_t *sequence)
{
        Iod__Frame *request = NULL;
        size_t row;
        int r;

        r = frame_decode(&session->server->arena, bytes, size, fds->count, &request);
        if (request)
                *sequence = request->sequence;
        if (r < 0)
                return r;

        for (row = 0; row < sizeof(requests) / sizeof(requests[0]); row++) {
                if (requests[row].body == request->body_case)
                        break;
        }
        if (!session->open && request->body_case != IOD__FRAME__BODY_HELLO)
                return error_set(EPROTO, "the first frame has to be hello, and was %s",
                                 frame_unknown_body(request) ? "unknown"
                                                             : frame_body_name(request->body_case));
        if (row == sizeof(requests) / sizeof(requests[0]))
                return refuse_unknown(session, request);
        if (session->open && requests[row].before_open)
                return error_set(EPROTO, "hello came twice: a session has one");
        if (fds->count > 0 && !requests[row].takes_descriptors)
                return error_set(EBADMSG, "%s takes no descriptors and came with %zu",
                                 frame_body_name(request->body_case), fds->count);

        r = requests[row].handler(session, request, fds);
        return r > 0 ? refuse(session, request->sequence, r) : r;
}
