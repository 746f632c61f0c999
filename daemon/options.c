/* The command line of kyron-iod. See options.h. */
#include "daemon/options.h"

#include "core/error.h"
#include "core/io_id.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

static const char usage[] =
        "Usage: kyron-iod [OPTION]...\n"
        "Wait for the machine's descriptors on behalf of its processes.\n"
        "\n"
        "      --socket PATH         listen here (" KYRON_DEFAULT_SOCKET ")\n"
        "      --user                a private instance: $XDG_RUNTIME_DIR/kyron-iod/socket,\n"
        "                            for this user only\n"
        "      --foreground          stay in the foreground, log to standard error\n"
        "      --log-level LEVEL     error, warning, notice, info or debug (info)\n"
        "      --admin-group GROUP   its members see every user's sessions (" KYRON_ADMIN_GROUP
        ")\n"
        "\n"
        "Limits, each refused with an error that names it:\n"
        "      --max-sessions N                    in all (4096)\n"
        "      --max-sessions-per-user N           of one user (1024)\n"
        "      --max-registrations-per-session N   of one session (65536)\n"
        "      --max-registrations-per-user N      of one user (262144)\n"
        "\n"
        "      --help, --version\n"
        "\n"
        "See kyron-iod(8).\n";

_Static_assert(OPTIONS_SESSIONS_MAX == 4096 && OPTIONS_SESSIONS_PER_USER_MAX == 1024 &&
                       OPTIONS_REGISTRATIONS_PER_SESSION_MAX == 65536 &&
                       OPTIONS_REGISTRATIONS_PER_USER_MAX == 262144,
               "the usage text names the defaults");

enum {
        OPTION_SOCKET = 256,
        OPTION_USER,
        OPTION_FOREGROUND,
        OPTION_LOG_LEVEL,
        OPTION_ADMIN_GROUP,
        OPTION_MAX_SESSIONS,
        OPTION_MAX_SESSIONS_PER_USER,
        OPTION_MAX_REGISTRATIONS_PER_SESSION,
        OPTION_MAX_REGISTRATIONS_PER_USER,
        OPTION_HELP,
        OPTION_VERSION,
};

static const struct option long_options[] = {
        {"socket", required_argument, NULL, OPTION_SOCKET},
        {"user", no_argument, NULL, OPTION_USER},
        {"foreground", no_argument, NULL, OPTION_FOREGROUND},
        {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
        {"admin-group", required_argument, NULL, OPTION_ADMIN_GROUP},
        {"max-sessions", required_argument, NULL, OPTION_MAX_SESSIONS},
        {"max-sessions-per-user", required_argument, NULL, OPTION_MAX_SESSIONS_PER_USER},
        {"max-registrations-per-session", required_argument, NULL,
         OPTION_MAX_REGISTRATIONS_PER_SESSION},
        {"max-registrations-per-user", required_argument, NULL, OPTION_MAX_REGISTRATIONS_PER_USER},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {NULL, 0, NULL, 0},
};

static int parse_count(const char *option, const char *text, uint32_t max, uint32_t *out)
{
        unsigned long value;
        char *end;

        errno = 0;
        value = strtoul(text, &end, 10);
        if (errno != 0 || *text < '0' || *text > '9' || *end || value < 1 || value > max)
                return error_set(EINVAL, "%s takes a number from 1 to %u, not \"%s\"", option, max,
                                 text);
        *out = (uint32_t)value;
        return 0;
}

static int parse_log_level(const char *text, int *out)
{
        static const struct {
                const char *name;
                int level;
        } levels[] = {
                {"error", LOG_ERR}, {"warning", LOG_WARNING}, {"notice", LOG_NOTICE},
                {"info", LOG_INFO}, {"debug", LOG_DEBUG},
        };

        for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
                if (strcmp(text, levels[i].name) == 0) {
                        *out = levels[i].level;
                        return 0;
                }
        }
        return error_set(EINVAL, "--log-level is error, warning, notice, info or debug, not \"%s\"",
                         text);
}

static int set_socket_path(Options *options, const char *path)
{
        if (*path != '/')
                return error_set(EINVAL, "--socket takes an absolute path, not \"%s\"", path);
        if (strlen(path) >= sizeof(options->socket_path))
                return error_set(ENAMETOOLONG, "--socket takes a path of at most %zu bytes",
                                 sizeof(options->socket_path) - 1);
        strcpy(options->socket_path, path);
        return 0;
}

static int choose_socket_path(Options *options)
{
        const char *runtime_directory = getenv("XDG_RUNTIME_DIR");

        if (*options->socket_path)
                return 0;
        if (!options->user)
                return set_socket_path(options, KYRON_DEFAULT_SOCKET);
        if (!runtime_directory || !*runtime_directory)
                return error_set(EINVAL,
                                 "--user needs XDG_RUNTIME_DIR to be set, or --socket PATH");
        if (*runtime_directory != '/')
                return error_set(EINVAL, "XDG_RUNTIME_DIR has to be an absolute path, not \"%s\"",
                                 runtime_directory);
        if (snprintf(options->socket_path, sizeof(options->socket_path), "%s/kyron-iod/socket",
                     runtime_directory) >= (int)sizeof(options->socket_path))
                return error_set(ENAMETOOLONG,
                                 "XDG_RUNTIME_DIR is too long for a socket: use --socket PATH");
        return 0;
}

/* 0, or -EINVAL and the like with error_text(). */
static int take_option(Options *options, int option, const char *argument)
{
        switch (option) {
        case OPTION_SOCKET:
                return set_socket_path(options, argument);
        case OPTION_USER:
                options->user = true;
                return 0;
        case OPTION_FOREGROUND:
                options->foreground = true;
                return 0;
        case OPTION_LOG_LEVEL:
                return parse_log_level(argument, &options->log_level);
        case OPTION_ADMIN_GROUP:
                options->admin_group = argument;
                return 0;
        case OPTION_MAX_SESSIONS:
                return parse_count("--max-sessions", argument, 1000000, &options->sessions_max);
        case OPTION_MAX_SESSIONS_PER_USER:
                return parse_count("--max-sessions-per-user", argument, 1000000,
                                   &options->sessions_per_user_max);
        case OPTION_MAX_REGISTRATIONS_PER_SESSION:
                return parse_count("--max-registrations-per-session", argument, IO_ID_SLOT_MAX,
                                   &options->registrations_per_session_max);
        case OPTION_MAX_REGISTRATIONS_PER_USER:
                return parse_count("--max-registrations-per-user", argument, UINT32_MAX,
                                   &options->registrations_per_user_max);
        default:
                return -EINVAL; /* getopt_long has said why */
        }
}

bool options_parse(Options *options, int argc, char **argv, int *exit_code)
{
        int option, r;

        *options = (Options){
                .log_level = LOG_INFO,
                .admin_group = KYRON_ADMIN_GROUP,
                .sessions_max = OPTIONS_SESSIONS_MAX,
                .sessions_per_user_max = OPTIONS_SESSIONS_PER_USER_MAX,
                .registrations_per_session_max = OPTIONS_REGISTRATIONS_PER_SESSION_MAX,
                .registrations_per_user_max = OPTIONS_REGISTRATIONS_PER_USER_MAX,
        };
        *exit_code = EXIT_SUCCESS;
        error_set(EINVAL, "see kyron-iod --help");
        while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
                if (option == OPTION_HELP) {
                        fputs(usage, stdout);
                        return false;
                }
                if (option == OPTION_VERSION) {
                        puts("kyron-iod " PACKAGE_VERSION);
                        return false;
                }
                r = take_option(options, option, optarg);
                if (r < 0)
                        goto mistake;
        }
        if (optind < argc) {
                error_set(EINVAL, "it takes no argument \"%s\": see kyron-iod --help",
                          argv[optind]);
                goto mistake;
        }
        if (choose_socket_path(options) < 0)
                goto mistake;
        return true;

mistake:
        fprintf(stderr, "kyron-iod: %s\n", error_text());
        *exit_code = 2;
        return false;
}
