/* kyronctl reload: have the daemon read its configuration again. */
#include "core/cleanup.h"
#include "ctl/output.h"
#include "ctl/query.h"

#include <inttypes.h>
#include <stdio.h>

static ExitCode print_json(const Iod__Reloaded *reloaded)
{
        json_t *object = json_object(), *changes = json_array();

        for (size_t i = 0; i < reloaded->n_change && changes; i++) {
                if (json_array_append_new(changes, json_string(reloaded->change[i])) < 0) {
                        json_decref(changes);
                        changes = NULL;
                }
        }
        output_add(&object, "changes", changes);
        output_add_number(&object, "more", reloaded->more);
        return output_json(object);
}

static ExitCode print_text(const Iod__Reloaded *reloaded, bool no_legend)
{
        for (size_t i = 0; i < reloaded->n_change; i++)
                puts(reloaded->change[i]);
        if (reloaded->more > 0)
                printf("and %" PRIu32 " more\n", reloaded->more);
        else if (reloaded->n_change == 0 && !no_legend)
                fputs("no changes\n", stderr);
        return EXIT_CODE_OK;
}

ExitCode verb_reload(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query;
        Iod__Frame request = IOD__FRAME__INIT;
        Iod__Reload body = IOD__RELOAD__INIT;
        Iod__Frame *reply;
        ExitCode code;

        code = query_open(&query, command_line->socket_path);
        if (code != EXIT_CODE_OK)
                return code;
        request.body_case = IOD__FRAME__BODY_RELOAD;
        request.reload = &body;
        code = query_ask(&query, &request, IOD__FRAME__BODY_RELOADED, &reply);
        /* It is the configuration that is not there: a mistake like any other in it. */
        if (code == EXIT_CODE_NOT_FOUND)
                return EXIT_CODE_FAILED;
        if (code != EXIT_CODE_OK)
                return code;
        for (size_t i = 0; i < reply->reloaded->n_change; i++)
                output_make_printable(reply->reloaded->change[i]);
        return command_line->json ? print_json(reply->reloaded)
                                  : print_text(reply->reloaded, command_line->no_legend);
}
