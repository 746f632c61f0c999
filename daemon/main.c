/*
 * kyron-iod: read the options, go into the background, serve until told to stop.
 */
#include "core/error.h"
#include "daemon/background.h"
#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(void)
{
        log_daemon(LOG_ERR, "%s", error_text());
        return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
        Options options;
        Server *server;
        int background = -1;
        int exit_code, r;

        if (!options_parse(&options, argc, argv, &exit_code))
                return exit_code;
        log_open(options.log_level);
        signal(SIGPIPE, SIG_IGN);
        /* Until there is something to reload. */
        signal(SIGHUP, SIG_IGN);

        if (!options.foreground) {
                background = background_start();
                if (background < 0) {
                        error_set(-background, "no background: %s", strerror(-background));
                        return fail();
                }
        }
        r = server_open(&server, &options);
        if (r < 0)
                return fail();
        if (!options.foreground) {
                log_to_syslog();
                background_ready(background);
        }
        r = server_run(server);
        server_close(server);
        return r < 0 ? fail() : EXIT_SUCCESS;
}
