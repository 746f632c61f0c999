/* kyronctl end and close: end a session, close a client's listener. */
#include "core/cleanup.h"
#include "core/error.h"
#include "ctl/argument.h"
#include "ctl/output.h"
#include "ctl/owned_listener.h"

#include <errno.h>
#include <inttypes.h>

static ExitCode end_session(Query *query, uint64_t session)
{
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__EndSession body = IOD__END_SESSION__INIT;
        Iod__Frame *reply;
        ExitCode code;

        body.session = session;
        request.body_case = IOD__FRAME__BODY_END_SESSION;
        request.end_session = &body;
        code = query_ask(query, &request, IOD__FRAME__BODY_DONE, &reply);
        if (code == EXIT_CODE_NOT_FOUND)
                error_set(ENOENT,
                          "there is no session %" PRIu64
                          ": kyronctl sessions shows those there are",
                          session);
        return code;
}

ExitCode verb_end(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query = {.connection = {.fd = -1}};
        const char *argument = command_line->arguments[0];
        uint64_t session;
        ExitCode code;

        if (!argument_number(argument, UINT64_MAX, &session) || session == 0) {
                error_set(EINVAL,
                          "end takes a session's number, as kyronctl sessions shows, not \"%s\"",
                          argument);
                return EXIT_CODE_USAGE;
        }
        code = query_open(&query, command_line->socket_path);
        if (code == EXIT_CODE_OK)
                code = end_session(&query, session);
        if (code == EXIT_CODE_OK && command_line->json) {
                json_t *object = json_object();

                output_add_number(&object, "session", session);
                output_add(&object, "ended", json_true());
                code = output_json(object);
        }
        return code;
}

static ExitCode close_listener(Query *query, const char *name, uint64_t number)
{
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__CloseListener body = IOD__CLOSE_LISTENER__INIT;
        Iod__Frame *reply;
        ExitCode code;

        body.name = (char *)name;
        body.listener = number;
        request.body_case = IOD__FRAME__BODY_CLOSE_LISTENER;
        request.close_listener = &body;
        code = query_ask(query, &request, IOD__FRAME__BODY_DONE, &reply);
        if (code == EXIT_CODE_NOT_FOUND)
                error_set(ENOENT,
                          "there is no listener \"%s\": kyronctl listeners shows those there are",
                          name);
        return code;
}

ExitCode verb_close(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query;
        const char *name = command_line->arguments[0];
        uint64_t number = 0;
        ExitCode code;

        code = query_open(&query, command_line->socket_path);
        if (code == EXIT_CODE_OK && command_line->owner)
                code = owned_listener_find(&query, name, command_line->owner, &number);
        if (code == EXIT_CODE_OK)
                code = close_listener(&query, name, number);
        if (code == EXIT_CODE_OK && command_line->json) {
                json_t *object = json_object();

                output_add_text(&object, "name", name);
                output_add(&object, "closed", json_true());
                code = output_json(object);
        }
        return code;
}
