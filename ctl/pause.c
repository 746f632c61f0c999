/* kyronctl pause and resume: whether a listener accepts. */
#include "core/cleanup.h"
#include "core/error.h"
#include "ctl/output.h"
#include "ctl/owned_listener.h"

#include <errno.h>

static ExitCode set_listener(const CommandLine *command_line, bool paused)
{
        CLEANUP(query_close) Query query;
        const char *name = command_line->arguments[0];
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__SetListener body = IOD__SET_LISTENER__INIT;
        Iod__Frame *reply;
        ExitCode code;

        code = query_open(&query, command_line->socket_path);
        if (code != EXIT_CODE_OK)
                return code;
        if (command_line->owner)
                code = owned_listener_find(&query, name, command_line->owner, &body.listener);
        if (code != EXIT_CODE_OK)
                return code;
        body.name = (char *)name;
        body.paused = paused;
        request.body_case = IOD__FRAME__BODY_SET_LISTENER;
        request.set_listener = &body;
        code = query_ask(&query, &request, IOD__FRAME__BODY_DONE, &reply);
        if (code == EXIT_CODE_NOT_FOUND)
                error_set(ENOENT,
                          "there is no listener \"%s\": kyronctl listeners shows those there are",
                          name);
        if (code == EXIT_CODE_OK && command_line->json) {
                json_t *object = json_object();

                output_add_text(&object, "name", name);
                output_add(&object, "paused", json_boolean(paused));
                code = output_json(object);
        }
        return code;
}

ExitCode verb_pause(const CommandLine *command_line)
{
        return set_listener(command_line, true);
}

ExitCode verb_resume(const CommandLine *command_line)
{
        return set_listener(command_line, false);
}
