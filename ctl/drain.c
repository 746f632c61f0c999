/*
 * kyronctl drain: give a worker no more connections, and wait until it has none.
 *
 * That may take as long as its connections live. The wait ends with the daemon's answer, at the
 * time limit, or by SIGINT; in the last two cases the request is cancelled, and its answer still
 * read: it may have been on its way. The worker stays drained until --undo.
 */
#include "core/cleanup.h"
#include "core/error.h"
#include "ctl/argument.h"
#include "ctl/interrupt.h"
#include "ctl/output.h"
#include "ctl/query.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <time.h>

/* Of one wait: longer ones, which poll() cannot count, are made of several. */
enum { POLL_MAX_MS = 60 * 60 * 1000 };

/* What a wait came to. */
typedef enum Waited {
        WAITED_ANSWERED,
        WAITED_TIMED_OUT,
        WAITED_INTERRUPTED,
        WAITED_FAILED, /* with error_text() */
} Waited;

static int64_t now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static Waited wait_for_answer(const Query *query, int interrupt_fd, uint64_t timeout_s)
{
        struct pollfd fds[] = {{.fd = query->connection.fd, .events = POLLIN},
                               {.fd = interrupt_fd, .events = POLLIN}};
        const int64_t end = now_ms() + (int64_t)timeout_s * 1000;

        for (;;) {
                int64_t left = timeout_s > 0 ? end - now_ms() : POLL_MAX_MS;
                int n;

                left = left < 0 ? 0 : left;
                n = poll(fds, 2, (int)(left < POLL_MAX_MS ? left : POLL_MAX_MS));
                if (n < 0 && errno != EINTR) {
                        error_set(errno, "poll: %s", strerror(errno));
                        return WAITED_FAILED;
                }
                if (n > 0)
                        return fds[0].revents ? WAITED_ANSWERED : WAITED_INTERRUPTED;
                if (timeout_s > 0 && left == 0)
                        return WAITED_TIMED_OUT;
        }
}

/* The answer to a request that was cancelled: done all the same, or what ended it. */
static ExitCode give_up(Query *query, Waited waited, const CommandLine *command_line,
                        uint64_t session)
{
        Iod__Frame *reply;
        ExitCode code = query_cancel(query);

        if (code == EXIT_CODE_OK)
                code = query_take_answer(query, &reply);
        if (code == EXIT_CODE_OK || query->refusal != ECANCELED)
                return code;
        if (waited == WAITED_TIMED_OUT)
                error_set(ETIMEDOUT,
                          "session %" PRIu64 " still has connections after %" PRIu64
                          " s; it gets no more: --undo takes that back",
                          session, command_line->timeout_s);
        else
                error_set(EINTR,
                          "session %" PRIu64
                          " still has connections; it gets no more: --undo takes that back",
                          session);
        return waited == WAITED_TIMED_OUT ? EXIT_CODE_FAILED : EXIT_CODE_INTERRUPTED;
}

static ExitCode drain(Query *query, const CommandLine *command_line, uint64_t session)
{
        CLEANUP(cleanup_close) int interrupt_fd = -1;
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__Drain body = IOD__DRAIN__INIT;
        Iod__Frame *reply;
        Waited waited;
        ExitCode code;

        body.session = session;
        body.undo = command_line->undo;
        request.body_case = IOD__FRAME__BODY_DRAIN;
        request.drain = &body;
        if (body.undo)
                return query_ask(query, &request, IOD__FRAME__BODY_DONE, &reply);
        if (interrupt_catch(&interrupt_fd) < 0)
                return EXIT_CODE_FAILED;
        code = query_send(query, &request, IOD__FRAME__BODY_DONE);
        if (code != EXIT_CODE_OK)
                return code;
        waited = wait_for_answer(query, interrupt_fd, command_line->timeout_s);
        switch (waited) {
        case WAITED_ANSWERED:
                return query_take_answer(query, &reply);
        case WAITED_FAILED:
                return EXIT_CODE_FAILED;
        default:
                return give_up(query, waited, command_line, session);
        }
}

static ExitCode check_arguments(const CommandLine *command_line, uint64_t *session)
{
        int r = 0;

        if (!argument_number(command_line->arguments[0], UINT64_MAX, session) || *session == 0)
                r = error_set(EINVAL,
                              "drain takes a session's number, as kyronctl groups shows, "
                              "not \"%s\"",
                              command_line->arguments[0]);
        else if (command_line->undo && command_line->timeout_s > 0)
                r = error_set(EINVAL, "--undo does not wait: leave --timeout out");
        return r < 0 ? EXIT_CODE_USAGE : EXIT_CODE_OK;
}

ExitCode verb_drain(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query = {.connection = {.fd = -1}};
        uint64_t session;
        ExitCode code;

        code = check_arguments(command_line, &session);
        if (code == EXIT_CODE_OK)
                code = query_open(&query, command_line->socket_path);
        if (code == EXIT_CODE_OK)
                code = drain(&query, command_line, session);
        if (code == EXIT_CODE_NOT_FOUND)
                error_set(ENOENT,
                          "there is no session %" PRIu64 ": kyronctl groups shows the workers",
                          session);
        if (code == EXIT_CODE_OK && command_line->json) {
                json_t *object = json_object();

                output_add_number(&object, "session", session);
                output_add(&object, "drained", json_boolean(!command_line->undo));
                code = output_json(object);
        }
        return code;
}
