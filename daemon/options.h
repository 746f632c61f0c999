/*
 * The command line of kyron-iod.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

typedef struct Options {
        char socket_path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
        bool user;       /* a private instance: only its own user may connect */
        bool foreground; /* stay attached to who started it */
        int log_level;   /* syslog's: LOG_ERR … LOG_DEBUG */
        const char *admin_group;
        uint32_t sessions_max;
        uint32_t sessions_per_user_max;
        uint32_t registrations_per_session_max;
        uint32_t registrations_per_user_max;
} Options;

enum {
        OPTIONS_SESSIONS_MAX = 4096,
        OPTIONS_SESSIONS_PER_USER_MAX = 1024,
        OPTIONS_REGISTRATIONS_PER_SESSION_MAX = 65536,
        OPTIONS_REGISTRATIONS_PER_USER_MAX = 262144,
};

/*
 * Reads the command line. Returns true to go on; false to exit with *exit_code, after --help,
 * --version or a mistake, which was written to standard error.
 */
bool options_parse(Options *options, int argc, char **argv, int *exit_code);
