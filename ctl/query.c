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
        case ESHUTDOWN: /* a moment later there would have been none to ask */
                return EXIT_CODE_UNREACHABLE;
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
        r = daemon_connection_open(&query->connection, socket_path, "kyronctl", false);
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

ExitCode query_nonsense(const Query *query, const char *what)
{
        error_set(EPROTO, "the daemon answered %s with %s", frame_body_name(query->asked), what);
        return EXIT_CODE_FAILED;
}

static ExitCode send_frame(Query *query, const Iod__Frame *frame)
{
        uint8_t bytes[FRAME_BYTES_MAX];
        int size, r;

        size = frame_encode(frame, bytes);
        if (size < 0)
                return EXIT_CODE_FAILED;
        r = frame_socket_send(query->connection.fd, bytes, (size_t)size, NULL, 0);
        /* What the daemon said before it closed is still to be read. */
        if (r == 0 || r == -EPIPE || r == -ECONNRESET)
                return EXIT_CODE_OK;
        error_set(-r, "the daemon does not take the request: %s", strerror(-r));
        return EXIT_CODE_FAILED;
}

ExitCode query_send(Query *query, Iod__Frame *request, Iod__Frame__BodyCase expected)
{
        request->sequence = ++query->sequence;
        query->asked = request->body_case;
        query->expected = expected;
        return send_frame(query, request);
}

ExitCode query_cancel(Query *query)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Cancel cancel = IOD__CANCEL__INIT;

        cancel.request = query->sequence;
        frame.body_case = IOD__FRAME__BODY_CANCEL;
        frame.cancel = &cancel;
        return send_frame(query, &frame);
}

ExitCode query_take_frame(Query *query, Iod__Frame **out)
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

ExitCode query_take_answer(Query *query, Iod__Frame **reply)
{
        Iod__Frame *frame;
        ExitCode code;

        query->refusal = 0;
        code = query_take_frame(query, &frame);
        if (code != EXIT_CODE_OK)
                return code;
        /* The end of a session answers no request in particular. */
        if (frame->body_case == IOD__FRAME__BODY_REFUSED && frame->refused->error > 0 &&
            (frame->sequence == query->sequence || frame->refused->session_ends)) {
                query->refusal = frame->refused->error;
                error_set(frame->refused->error, "%s", frame->refused->text);
                return exit_code_of_refusal(frame->refused->error);
        }
        if (frame->body_case != query->expected)
                return query_nonsense(query, frame_body_name(frame->body_case));
        if (frame->sequence != query->sequence)
                return query_nonsense(query, "the answer to another request");
        *reply = frame;
        return EXIT_CODE_OK;
}

ExitCode query_ask(Query *query, Iod__Frame *request, Iod__Frame__BodyCase expected,
                   Iod__Frame **reply)
{
        ExitCode code = query_send(query, request, expected);

        return code == EXIT_CODE_OK ? query_take_answer(query, reply) : code;
}

ExitCode query_status(Query *query, const Iod__Status **out)
{
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__GetStatus body = IOD__GET_STATUS__INIT;
        Iod__Frame *reply;
        ExitCode code;

        request.body_case = IOD__FRAME__BODY_GET_STATUS;
        request.get_status = &body;
        code = query_ask(query, &request, IOD__FRAME__BODY_STATUS, &reply);
        if (code != EXIT_CODE_OK)
                return code;
        output_make_printable(reply->status->release);
        *out = reply->status;
        return EXIT_CODE_OK;
}
