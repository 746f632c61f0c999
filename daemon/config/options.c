/* The command line of kyron-iod. See options.h. */
#include "daemon/config/options.h"

#include "core/error.h"
#include "daemon/config/absolute_path.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <syslog.h>
#include <unistd.h>

static const char version[] = "kyron-iod " PACKAGE_VERSION "\n";

static const char usage[] =
        "Usage: kyron-iod [OPTION]...\n"
        "Wait for the machine's descriptors on behalf of its processes.\n"
        "\n"
        "      --socket PATH         listen here (" KYRON_DEFAULT_SOCKET ")\n"
        "      --config FILE         read this configuration\n"
        "                            (" KYRON_DEFAULT_CONFIG ")\n"
        "      --check-config        say whether the configuration is fine, and exit\n"
        "      --check-state FD      say whether another daemon's state can be taken over,\n"
        "                            and exit; used by the daemon itself\n"
        "      --user                a private instance: $XDG_RUNTIME_DIR/kyron-iod/socket,\n"
        "                            for this user only\n"
        "      --foreground          stay in the foreground, log to standard error\n"
        "      --log-level LEVEL     error, warning, notice, info or debug (info)\n"
        "      --admin-group GROUP   its members see every user's sessions (" KYRON_ADMIN_GROUP
        ")\n"
        "\n"
        "Limits, each refused with an error that names it; they win over the configuration's:\n"
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
        OPTION_CONFIG,
        OPTION_CHECK_CONFIG,
        OPTION_CHECK_STATE,
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
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"check-config", no_argument, NULL, OPTION_CHECK_CONFIG},
        {"check-state", required_argument, NULL, OPTION_CHECK_STATE},
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

int options_read_number(const char *name, const char *text, uint32_t min, uint32_t max,
                        uint32_t *out)
{
        unsigned long value;
        char *end;

        errno = 0;
        value = strtoul(text, &end, 10);
        if (errno != 0 || *text < '0' || *text > '9' || *end || value < min || value > max)
                return error_set(EINVAL, "%s takes a number from %u to %u, not \"%.80s\"", name,
                                 min, max, text);
        *out = (uint32_t)value;
        return 0;
}

int options_read_log_level(const char *name, const char *text, int *out)
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
        return error_set(EINVAL, "%s is error, warning, notice, info or debug, not \"%.80s\"", name,
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

/* An absolute one: in the background there is another directory, and a reload reads it again. */
static int set_config_path(Options *options, const char *path)
{
        int r;

        if (!*path)
                return error_set(EINVAL, "--config takes the path of a file");
        r = absolute_path(path, options->config_path, sizeof(options->config_path));
        if (r == -ENAMETOOLONG)
                return error_set(ENAMETOOLONG, "--config takes a path of at most %zu bytes",
                                 sizeof(options->config_path) - 1);
        if (r < 0)
                return error_set(-r, "--config: no current directory: %s", strerror(-r));
        options->config_given = true;
        return 0;
}

static int set_check_state(Options *options, const char *text)
{
        uint32_t fd = 0;
        int r = options_read_number("--check-state", text, 0, INT_MAX, &fd);

        if (r == 0)
                options->check_state = (int)fd;
        return r;
}

/* What it was executed by, whatever it was called then; or if that is a descriptor, by its name. */
static const char *executed_path(const char *name)
{
        const char *path = (const char *)getauxval(AT_EXECFN); // NOLINT(performance-no-int-to-ptr)

        return path && strncmp(path, "/dev/fd/", strlen("/dev/fd/")) != 0 ? path : name;
}

/* What this program can be started by again, from any directory. */
static void find_program(Options *options, const char *name)
{
        const char *path = executed_path(name);
        const size_t size = sizeof(options->program_path);
        ssize_t n;

        /* Not what it is a link to: that may be another by then. */
        if (strchr(path, '/') && absolute_path(path, options->program_path, size) == 0)
                return;
        n = readlink("/proc/self/exe", options->program_path, size - 1);
        options->program_path[n < 0 ? 0 : n] = '\0';
}

/* Without --config. A private instance that finds no place for it has none. */
static void choose_config_path(Options *options)
{
        const char *directory = getenv("XDG_CONFIG_HOME"), *below = "";
        const size_t size = sizeof(options->config_path);

        if (*options->config_path)
                return;
        if (!options->user) {
                strcpy(options->config_path, KYRON_DEFAULT_CONFIG);
                return;
        }
        if (!directory || *directory != '/') {
                directory = getenv("HOME");
                below = "/.config";
        }
        if (!directory || *directory != '/' ||
            snprintf(options->config_path, size, "%s%s/kyron-iod/kyron-iod.conf", directory,
                     below) >= (int)size)
                *options->config_path = '\0';
}

/* The limits, each a number that the configuration has too. */
static const struct Limit {
        int option;
        const char *name;
        uint32_t max;
        size_t offset; /* in Options */
        OptionsGiven given;
} limits[] = {
        {OPTION_MAX_SESSIONS, "--max-sessions", OPTIONS_SESSIONS_LIMIT,
         offsetof(Options, sessions_max), OPTIONS_GIVEN_SESSIONS},
        {OPTION_MAX_SESSIONS_PER_USER, "--max-sessions-per-user", OPTIONS_SESSIONS_LIMIT,
         offsetof(Options, sessions_per_user_max), OPTIONS_GIVEN_SESSIONS_PER_USER},
        {OPTION_MAX_REGISTRATIONS_PER_SESSION, "--max-registrations-per-session",
         OPTIONS_REGISTRATIONS_LIMIT, offsetof(Options, registrations_per_session_max),
         OPTIONS_GIVEN_REGISTRATIONS_PER_SESSION},
        {OPTION_MAX_REGISTRATIONS_PER_USER, "--max-registrations-per-user", UINT32_MAX,
         offsetof(Options, registrations_per_user_max), OPTIONS_GIVEN_REGISTRATIONS_PER_USER},
};

static int take_limit(Options *options, int option, const char *argument)
{
        for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
                if (limits[i].option != option)
                        continue;
                options->given |= limits[i].given;
                return options_read_number(
                        limits[i].name, argument, 1, limits[i].max,
                        (uint32_t *)(void *)((char *)options + limits[i].offset));
        }
        return -EINVAL; /* getopt_long has said why */
}

/* 0, or -EINVAL and the like with error_text(). */
static int take_option(Options *options, int option, const char *argument)
{
        switch (option) {
        case OPTION_SOCKET:
                return set_socket_path(options, argument);
        case OPTION_CONFIG:
                return set_config_path(options, argument);
        case OPTION_CHECK_CONFIG:
                options->check_config = true;
                return 0;
        case OPTION_CHECK_STATE:
                return set_check_state(options, argument);
        case OPTION_USER:
                options->user = true;
                return 0;
        case OPTION_FOREGROUND:
                options->foreground = true;
                return 0;
        case OPTION_LOG_LEVEL:
                options->given |= OPTIONS_GIVEN_LOG_LEVEL;
                return options_read_log_level("--log-level", argument, &options->log_level);
        case OPTION_ADMIN_GROUP:
                options->given |= OPTIONS_GIVEN_ADMIN_GROUP;
                options->admin_group = argument;
                return 0;
        default:
                return take_limit(options, option, argument);
        }
}

/* The exit code. */
static int say(const char *text)
{
        if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
                return EXIT_SUCCESS;
        fprintf(stderr, "kyron-iod: standard output: %s\n", strerror(errno));
        return EXIT_FAILURE;
}

bool options_parse(Options *options, int argc, char **argv, int *exit_code)
{
        int option, r;

        *options = (Options){
                .log_level = LOG_INFO,
                .check_state = -1,
                .state_fd = -1,
                .argv = argv,
                .admin_group = KYRON_ADMIN_GROUP,
                .sessions_max = OPTIONS_SESSIONS_MAX,
                .sessions_per_user_max = OPTIONS_SESSIONS_PER_USER_MAX,
                .registrations_per_session_max = OPTIONS_REGISTRATIONS_PER_SESSION_MAX,
                .registrations_per_user_max = OPTIONS_REGISTRATIONS_PER_USER_MAX,
        };
        *exit_code = EXIT_SUCCESS;
        error_set(EINVAL, "see kyron-iod --help");
        while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
                if (option == OPTION_HELP || option == OPTION_VERSION) {
                        *exit_code = say(option == OPTION_HELP ? usage : version);
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
        find_program(options, argv[0]);
        choose_config_path(options);
        if (!options->check_config && choose_socket_path(options) < 0)
                goto mistake;
        return true;

mistake:
        fprintf(stderr, "kyron-iod: %s\n", error_text());
        *exit_code = 2;
        return false;
}
