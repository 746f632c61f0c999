/*
 * The command line of kyron-iod.
 */
#pragma once

#include "core/io_id.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/un.h>

enum {
        OPTIONS_PATH_MAX = 4096,
};

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
        char config_path[OPTIONS_PATH_MAX];
        bool config_given; /* by --config: it has to exist */
        bool check_config; /* do that, and nothing else */
        int check_state;   /* the same, of the state in this descriptor; -1: not asked for */
        int state_fd;      /* taken over from the program before; -1: there was none */
        char **argv;       /* of this program */
        char program_path[OPTIONS_PATH_MAX]; /* what it was started by; "": unknown */
        unsigned given;                      /* of those the configuration has too: OptionsGiven */
} Options;

/* What stood on the command line. It wins over the configuration. */
typedef enum OptionsGiven {
        OPTIONS_GIVEN_LOG_LEVEL = 1 << 0,
        OPTIONS_GIVEN_ADMIN_GROUP = 1 << 1,
        OPTIONS_GIVEN_SESSIONS = 1 << 2,
        OPTIONS_GIVEN_SESSIONS_PER_USER = 1 << 3,
        OPTIONS_GIVEN_REGISTRATIONS_PER_SESSION = 1 << 4,
        OPTIONS_GIVEN_REGISTRATIONS_PER_USER = 1 << 5,
} OptionsGiven;

enum {
        OPTIONS_SESSIONS_MAX = 4096,
        OPTIONS_SESSIONS_PER_USER_MAX = 1024,
        OPTIONS_REGISTRATIONS_PER_SESSION_MAX = 65536,
        OPTIONS_REGISTRATIONS_PER_USER_MAX = 262144,
        /* What those may be set to. */
        OPTIONS_SESSIONS_LIMIT = 1000000,
        OPTIONS_REGISTRATIONS_LIMIT = IO_ID_SLOT_MAX,
};

/*
 * Reads the command line. Returns true to go on; false to exit with *exit_code, after --help,
 * --version or a mistake, which was written to standard error.
 */
bool options_parse(Options *options, int argc, char **argv, int *exit_code);

/* Values that the configuration takes as the command line does; name is what a mistake is said of.
 * 0, or -EINVAL with error_text(). */
int options_read_number(const char *name, const char *text, uint32_t min, uint32_t max,
                        uint32_t *out);
int options_read_log_level(const char *name, const char *text, int *out);
