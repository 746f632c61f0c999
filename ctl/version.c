/* kyronctl version: the releases of kyronctl and of the daemon. */
#include "core/cleanup.h"
#include "ctl/output.h"
#include "ctl/query.h"

#include <stdio.h>

static void add_release(json_t **object, const char *key, const char *release)
{
        json_t *program = json_object();

        output_add_text(&program, "release", release);
        output_add_number(&program, "protocol_version", FRAME_PROTOCOL_VERSION);
        output_add(object, key, program);
}

static ExitCode print_json(const char *daemon_release)
{
        json_t *object = json_object();

        add_release(&object, "kyronctl", PACKAGE_VERSION);
        if (daemon_release)
                add_release(&object, "kyron_iod", daemon_release);
        else
                output_add(&object, "kyron_iod", json_null());
        return output_json(object);
}

static void print_text(const char *daemon_release)
{
        printf("kyronctl   %s, protocol version %d\n", PACKAGE_VERSION, FRAME_PROTOCOL_VERSION);
        if (daemon_release)
                printf("kyron-iod  %s, protocol version %d\n", daemon_release,
                       FRAME_PROTOCOL_VERSION);
}

/* What is known is printed, also when there is no daemon. A connection speaks one version of the
 * protocol, so what holds for kyronctl holds for a daemon that welcomed it. */
ExitCode verb_version(const CommandLine *command_line)
{
        CLEANUP(query_close) Query query;
        ExitCode code = query_open(&query, command_line->socket_path);
        const char *daemon_release = NULL;

        if (code == EXIT_CODE_OK) {
                output_make_printable(query.connection.release);
                daemon_release = query.connection.release;
        }
        if (!command_line->json)
                print_text(daemon_release);
        else if (print_json(daemon_release) != EXIT_CODE_OK)
                return EXIT_CODE_FAILED;
        return code;
}
