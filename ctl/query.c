/* Asking the daemon. See query.h. */
#include "ctl/query.h"

#include "core/error.h"
#include "ctl/output.h"
#include "proto/frame_socket.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What keeps kyronctl from being welcomed, as an exit code. */
static ExitCode exit_code_of_connecting(int error)
{
        switch (error) {
        case EACCES:
                return EXIT_CODE_DENIED;
        case ENAMETOOLONG:
                return EXIT_CODE_USAGE;
        case ENOENT:
        case ENOTDIR:
        case ECONNREFUSED:
        case ECONNRESET:
        case EPIPE:
        case ETIMEDOUT:
                return EXIT_CODE_UNREACHABLE;
        default:
                return EXIT_CODE_FAILED;
        }
}

static ExitCode exit_code_of_refusal(int error)
{
        switch (error) {
        case EACCES:
                return EXIT_CODE_DENIED;
        case ENOENT:
                return EXIT_CODE_NOT_FOUND;
        default:
                return EXIT_CODE_FAILED;
        }
}

ExitCode query_open(Query *query, const char *socket_path)
{
        int r;

        query->connection.fd = -1;
        query->sequence = 0;
        frame_arena_init(&query->arena);
        r = daemon_connection_open(&query->connection, socket_path, "kyronctl");
        if (r < 0)
                query->connection.fd = -1;
        return r < 0 ? exit_code_of_connecting(-r) : EXIT_CODE_OK;
}

void query_close(Query *query)
{
        if (query->connection.fd >= 0)
                close(query->connection.fd);
        query->connection.fd = -1;
}

static ExitCode gone(void)
{
        error_set(ECONNRESET, "the daemon closed the connection: has it been stopped?");
        return EXIT_CODE_UNREACHABLE;
}

static ExitCode nonsense(const char *request, const char *what)
{
        error_set(EPROTO, "the daemon answered %s with %s", request, what);
        return EXIT_CODE_FAILED;
}

static ExitCode send_request(Query *query, Iod__Frame *request)
{
        uint8_t bytes[FRAME_BYTES_MAX];
        int size, r;

        request->sequence = ++query->sequence;
        size = frame_encode(request, bytes);
        if (size < 0)
                return EXIT_CODE_FAILED;
        r = frame_socket_send(query->connection.fd, bytes, (size_t)size, NULL, 0);
        /* What the daemon said before it closed is still to be read. */
        if (r == 0 || r == -EPIPE || r == -ECONNRESET)
                return EXIT_CODE_OK;
        error_set(-r, "the daemon does not take the request: %s", strerror(-r));
        return EXIT_CODE_FAILED;
}

static ExitCode receive_frame(Query *query, Iod__Frame **out)
{
        uint8_t bytes[FRAME_BYTES_MAX];
        FdList fds = {.count = 0};
        size_t n_fds;
        int size, r;

        r = daemon_connection_wait(query->connection.fd, QUERY_TIMEOUT_MS);
        if (r < 0)
                return r == -ETIMEDOUT ? EXIT_CODE_UNREACHABLE : EXIT_CODE_FAILED;
        size = frame_socket_receive(query->connection.fd, bytes, sizeof(bytes), &fds);
        if (size == -ECONNRESET)
                size = frame_socket_receive(query->connection.fd, bytes, sizeof(bytes), &fds);
        n_fds = fds.count;
        fd_list_close(&fds);
        if (size == 0 || size == -ECONNRESET)
                return gone();
        if (size < 0) {
                error_set(-size, "the daemon's answer cannot be received: %s", strerror(-size));
                return EXIT_CODE_FAILED;
        }
        r = frame_decode(&query->arena, bytes, (size_t)size, n_fds, out);
        return r < 0 ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

/* Sends a request and waits for its answer, which has the expected body. */
static ExitCode ask(Query *query, Iod__Frame *request, Iod__Frame__BodyCase expected,
                    Iod__Frame **reply)
{
        const char *name = frame_body_name(request->body_case);
        Iod__Frame *frame;
        ExitCode code;

        code = send_request(query, request);
        if (code == EXIT_CODE_OK)
                code = receive_frame(query, &frame);
        if (code != EXIT_CODE_OK)
                return code;
        /* The end of a session answers no request in particular. */
        if (frame->body_case == IOD__FRAME__BODY_REFUSED && frame->refused->error > 0 &&
            (frame->sequence == query->sequence || frame->refused->session_ends)) {
                error_set(frame->refused->error, "%s", frame->refused->text);
                return exit_code_of_refusal(frame->refused->error);
        }
        if (frame->body_case != expected)
                return nonsense(name, frame_body_name(frame->body_case));
        if (frame->sequence != query->sequence)
                return nonsense(name, "the answer to another request");
        *reply = frame;
        return EXIT_CODE_OK;
}

ExitCode query_status(Query *query, const Iod__Status **out)
{
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__GetStatus body = IOD__GET_STATUS__INIT;
        Iod__Frame *reply;
        ExitCode code;

        request.body_case = IOD__FRAME__BODY_GET_STATUS;
        request.get_status = &body;
        code = ask(query, &request, IOD__FRAME__BODY_STATUS, &reply);
        if (code != EXIT_CODE_OK)
                return code;
        output_make_printable(reply->status->release);
        *out = reply->status;
        return EXIT_CODE_OK;
}

ExitCode query_sessions(Query *query, QuerySessionVisit visit, void *data)
{
        Iod__ListSessions list = IOD__LIST_SESSIONS__INIT;
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__Frame *reply;

        request.body_case = IOD__FRAME__BODY_LIST_SESSIONS;
        request.list_sessions = &list;
        do {
                ExitCode code = ask(query, &request, IOD__FRAME__BODY_SESSIONS, &reply);

                if (code != EXIT_CODE_OK)
                        return code;
                if (reply->sessions->more && reply->sessions->n_entry == 0)
                        return nonsense("list_sessions", "a page that leads nowhere");
                for (size_t i = 0; i < reply->sessions->n_entry; i++) {
                        const Iod__SessionEntry *entry = reply->sessions->entry[i];

                        if (entry->session <= list.after)
                                return nonsense("list_sessions", "sessions out of order");
                        output_make_printable(entry->program);
                        visit(data, entry);
                        list.after = entry->session;
                }
        } while (reply->sessions->more);
        return EXIT_CODE_OK;
}

/* Whether a place in the list of registrations is at or after where the list goes on. */
static bool goes_on(const Iod__ListRegistrations *list, uint64_t session, uint32_t slot)
{
        if (session != list->from_session)
                return session > list->from_session;
        return slot >= list->from_slot;
}

/* One page; moves the request on to just behind what was visited. */
static ExitCode visit_registrations(const Iod__Registrations *page, Iod__ListRegistrations *list,
                                    QueryRegistrationVisit visit, void *data)
{
        for (size_t i = 0; i < page->n_entry; i++) {
                const Iod__RegistrationEntry *entry = page->entry[i];

                if (!goes_on(list, entry->session, entry->slot) || entry->slot == UINT32_MAX)
                        return nonsense("list_registrations", "registrations out of order");
                if (list->session != 0 && entry->session != list->session)
                        return nonsense("list_registrations", "another session's registrations");
                output_make_printable(entry->program);
                output_make_printable(entry->kind);
                visit(data, entry);
                list->from_session = entry->session;
                list->from_slot = entry->slot + 1;
        }
        return EXIT_CODE_OK;
}

ExitCode query_registrations(Query *query, uint64_t session, QueryRegistrationVisit visit,
                             void *data)
{
        Iod__ListRegistrations list = IOD__LIST_REGISTRATIONS__INIT;
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__Frame *reply;

        list.session = session;
        request.body_case = IOD__FRAME__BODY_LIST_REGISTRATIONS;
        request.list_registrations = &list;
        for (;;) {
                const Iod__ListRegistrations asked = list;
                const Iod__Registrations *page;
                ExitCode code;

                code = ask(query, &request, IOD__FRAME__BODY_REGISTRATIONS, &reply);
                if (code != EXIT_CODE_OK)
                        return code;
                page = reply->registrations;
                code = visit_registrations(page, &list, visit, data);
                if (code != EXIT_CODE_OK || page->next_session == 0)
                        return code;
                if (!goes_on(&list, page->next_session, page->next_slot) ||
                    (page->next_session == asked.from_session &&
                     page->next_slot == asked.from_slot))
                        return nonsense("list_registrations", "a page that leads nowhere");
                list.from_session = page->next_session;
                list.from_slot = page->next_slot;
        }
}
