/*
 * kyron-iod: read the options and the configuration, go into the background, serve until told to
 * stop.
 */
#include "core/error.h"
#include "daemon/config/config.h"
#include "daemon/config/config_check.h"
#include "daemon/config/options.h"
#include "daemon/process/background.h"
#include "daemon/process/inherited.h"
#include "daemon/process/log.h"
#include "daemon/process/service_manager.h"
#include "daemon/process/system_calls.h"
#include "daemon/restart/takeover.h"
#include "daemon/server/open_files.h"
#include "daemon/server/server.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For the process's life: threads that do not end in time may look at them. */
static Options options;

static int fail(void)
{
        log_daemon(LOG_ERR, "%s", error_text());
        log_stop();
        return EXIT_FAILURE;
}

static void print_warning(const char *sentence)
{
        fprintf(stderr, "warning: %s\n", sentence);
}

/* --check-config: for people and scripts, so on standard output and error and in no log. */
static int check_config(void)
{
        Config *config;

        if (config_load(&config, options.config_path, options.config_given, options.user) < 0) {
                fprintf(stderr, "%s\n", error_text());
                return EXIT_FAILURE;
        }
        config_check(config, print_warning);
        printf("%s: fine: %zu listeners, %zu policies\n", options.config_path, config->n_listeners,
               config->n_policies);
        config_free(config);
        return EXIT_SUCCESS;
}

/* Where another program handed over, it is to serve again. */
static int give_up(void)
{
        takeover_go_back(&options);
        return fail();
}

/*
 * glibc keeps small pieces that are freed apart, and joins them with their neighbours all at once:
 * after many memberships have ended that takes 20 milliseconds, in one turn of the loop. Joined as
 * they are freed, each free() costs the same.
 */
static void have_memory_freed_evenly(void)
{
#ifdef M_MXFAST
        mallopt(M_MXFAST, 0);
#endif
}

/* The first descriptor of those that were left open, and mean nothing. */
enum { FIRST_LEFT = 3 };

int main(int argc, char **argv)
{
        Config *config;
        Server *server;
        int background = -1;
        int exit_code, passed, r, state_fd = takeover_find_state();
        bool detaches, goes_on;

        have_memory_freed_evenly();
        r = inherited_reset(state_fd >= 0);
        if (r < 0)
                return fail();
        goes_on = options_parse(&options, argc, argv, &exit_code);
        options.state_fd = state_fd;
        if (!goes_on) {
                takeover_go_back(&options);
                return exit_code;
        }
        if (options.check_config)
                return check_config();
        log_open(options.log_level);
        if (options.check_state >= 0)
                return takeover_check(&options) < 0 ? fail() : EXIT_SUCCESS;
        /* Whoever handed over was in the background already. */
        detaches = !options.foreground && options.state_fd < 0;
        passed = service_manager_receive();
        if (passed < 0 || (detaches && inherited_close(FIRST_LEFT + passed) < 0) ||
            system_calls_check() < 0)
                return give_up();
        if (!options.foreground && !detaches)
                log_to_syslog();
        if (config_load(&config, options.config_path, options.config_given, options.user) < 0)
                return give_up();
        config_settle(config, &options);
        log_open(options.log_level);
        for (size_t i = 0; i < config->n_warnings; i++)
                log_daemon(LOG_WARNING, "%s", config->warnings[i]);

        if (detaches) {
                background = background_start();
                if (background < 0) {
                        error_set(-background, "no background: %s", strerror(-background));
                        return fail();
                }
        }
        open_files_raise(&options, config);
        r = log_start();
        if (r < 0) {
                error_set(-r, "no thread to write the log: %s%s", strerror(-r),
                          r == -EAGAIN ? ": the limit of processes (RLIMIT_NPROC, TasksMax=)" : "");
                return give_up();
        }
        r = server_open(&server, &options, config);
        if (r < 0)
                return fail();
        if (detaches) {
                log_to_syslog();
                background_ready(background);
        }
        r = server_run(server);
        server_close(server);
        if (r < 0)
                return fail();
        log_stop();
        return EXIT_SUCCESS;
}
