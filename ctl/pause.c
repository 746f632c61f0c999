/* kyronctl pause and resume: whether a listener accepts. */
#include "core/cleanup.h"
#include "core/error.h"
#include "ctl/output.h"
#include "ctl/query_list.h"
#include "ctl/user_name.h"

#include <errno.h>
#include <string.h>

/* A user's listener of a name, among all that are listed. */
typedef struct Wanted {
        const char *name;
        uint32_t uid;
        uint64_t number; /* 0: not found yet */
} Wanted;

static void look(void *data, const Iod__ListenerEntry *entry)
{
        Wanted *wanted = data;

        if (!entry->configured && entry->uid == wanted->uid &&
            strcmp(entry->name, wanted->name) == 0)
                wanted->number = entry->listener;
}

static ExitCode find_of_user(Query *query, const char *name, const char *owner, uint64_t *number)
{
        Wanted wanted = {.name = name};
        ExitCode code;

        if (user_name_find(owner, &wanted.uid) < 0)
                return EXIT_CODE_NOT_FOUND;
        code = query_listeners(query, look, &wanted);
        if (code != EXIT_CODE_OK)
                return code;
        *number = wanted.number;
        if (*number != 0)
                return EXIT_CODE_OK;
        error_set(ENOENT,
                  "user %s has no listener \"%s\": kyronctl listeners shows those there are", owner,
                  name);
        return EXIT_CODE_NOT_FOUND;
}

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
                code = find_of_user(&query, name, command_line->owner, &body.listener);
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
