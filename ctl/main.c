/*
 * kyronctl: read the command line, run one verb, say what went wrong in one line.
 */
#include "client/handle/daemon_connection.h"
#include "core/error.h"
#include "core/private_directory.h"
#include "core/standard_descriptors.h"
#include "ctl/argument.h"
#include "ctl/output.h"
#include "ctl/verb.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
        "Usage: kyronctl [OPTION]... [VERB [ARGUMENT]...]\n"
        "Show whom kyron-iod waits for, and what it keeps open for them; steer it.\n"
        "\n"
        "  status                the daemon at a glance; also without a verb\n"
        "  sessions              the processes that are connected\n"
        "  registrations         what they wait for\n"
        "  listeners             what is listened on\n"
        "  groups                the workers that serve it\n"
        "  holds                 the descriptors that are held under a name\n"
        "  policy test USER ADDRESS [ACTION]\n"
        "                        whether a user may, and by which rule\n"
        "  version               the releases of kyronctl and of the daemon\n"
        "\n"
        "  waits [PID|USER|PROGRAM]\n"
        "                        processes with a wait to worry about, of all of the\n"
        "                        machine; with an argument, whatever those wait for\n"
        "  why PID|SESSION|ADDRESS|PORT\n"
        "                        what is wrong there, in sentences\n"
        "  monitor [KIND]...     a line for whatever begins, ends or goes wrong, as it\n"
        "                        happens: session, refusal, failure, listener, worker,\n"
        "                        delivery, outage, policy, wait\n"
        "  metrics               what the daemon counts, and such waits, for Prometheus\n"
        "\n"
        "  pause LISTENER        accept nothing; connections queue in the kernel\n"
        "  resume LISTENER       accept again\n"
        "  drain SESSION         give a worker no more connections, and wait until it\n"
        "                        has none\n"
        "  reload                have the daemon read its configuration again\n"
        "\n"
        "      --session ID      only this session's registrations\n"
        "      --timeout SECONDS how long drain waits; else as long as it takes; monitor:\n"
        "                        for how long\n"
        "      --undo            give a drained worker connections again\n"
        "      --of USER         whose listener, where several users have one of that name\n"
        "      --all             waits: those with nothing to worry about, too\n"
        "      --no-waits        monitor: leave out what is wrong with processes' waits\n"
        "      --large           waits, why, monitor: read also what is so large that\n"
        "                        reading it holds its process up\n"
        "      --json            JSON for programs\n"
        "      --no-legend       tables without headings\n"
        "      --socket PATH     the daemon's socket; else $KYRON_SOCKET, else\n"
        "                        " KYRON_DEFAULT_SOCKET "\n"
        "      --user            your private daemon: $XDG_RUNTIME_DIR/kyron-iod/socket\n"
        "      --help, --version\n"
        "\n"
        "See kyronctl(1).\n";

/* Options that go with one verb only. */
enum {
        TAKES_SESSION = 1 << 0,
        TAKES_TIMEOUT = 1 << 1,
        TAKES_UNDO = 1 << 2,
        TAKES_OWNER = 1 << 3,
        TAKES_ALL = 1 << 4,
        TAKES_LARGE = 1 << 5,
        TAKES_NO_WAITS = 1 << 6,
};

static const struct {
        const char *name;
        ExitCode (*run)(const CommandLine *command_line);
        unsigned options;
        int arguments_min;
        int arguments_max;
        const char *arguments; /* in words */
} verbs[] = {
        {"status", verb_status, 0, 0, 0, ""},
        {"sessions", verb_sessions, 0, 0, 0, ""},
        {"registrations", verb_registrations, TAKES_SESSION, 0, 0, ""},
        {"listeners", verb_listeners, 0, 0, 0, ""},
        {"groups", verb_groups, 0, 0, 0, ""},
        {"holds", verb_holds, 0, 0, 0, ""},
        {"policy", verb_policy, 0, 3, 4, "test USER ADDRESS [ACTION]"},
        {"version", verb_version, 0, 0, 0, ""},
        {"waits", verb_waits, TAKES_ALL | TAKES_LARGE, 0, 1, "[PID|USER|PROGRAM]"},
        {"why", verb_why, TAKES_LARGE, 1, 1, "PID, SESSION, ADDRESS or PORT"},
        {"monitor", verb_monitor, TAKES_TIMEOUT | TAKES_LARGE | TAKES_NO_WAITS, 0,
         MONITOR_KINDS_MAX, "[KIND]..."},
        {"metrics", verb_metrics, 0, 0, 0, ""},
        {"pause", verb_pause, TAKES_OWNER, 1, 1, "LISTENER"},
        {"resume", verb_resume, TAKES_OWNER, 1, 1, "LISTENER"},
        {"drain", verb_drain, TAKES_TIMEOUT | TAKES_UNDO, 1, 1, "SESSION"},
        {"reload", verb_reload, 0, 0, 0, ""},
};

enum {
        VERBS = sizeof(verbs) / sizeof(verbs[0]),
        VERB_STATUS = 0,
        USER_SOCKET_MAX = 4096,
        TIMEOUT_MAX_SECONDS = 365 * 24 * 60 * 60,
};

enum {
        OPTION_SESSION = 256,
        OPTION_TIMEOUT,
        OPTION_UNDO,
        OPTION_OF,
        OPTION_ALL,
        OPTION_LARGE,
        OPTION_NO_WAITS,
        OPTION_JSON,
        OPTION_NO_LEGEND,
        OPTION_SOCKET,
        OPTION_USER,
        OPTION_HELP,
        OPTION_VERSION,
};

static const struct option long_options[] = {
        {"session", required_argument, NULL, OPTION_SESSION},
        {"timeout", required_argument, NULL, OPTION_TIMEOUT},
        {"undo", no_argument, NULL, OPTION_UNDO},
        {"of", required_argument, NULL, OPTION_OF},
        {"all", no_argument, NULL, OPTION_ALL},
        {"large", no_argument, NULL, OPTION_LARGE},
        {"no-waits", no_argument, NULL, OPTION_NO_WAITS},
        {"json", no_argument, NULL, OPTION_JSON},
        {"no-legend", no_argument, NULL, OPTION_NO_LEGEND},
        {"socket", required_argument, NULL, OPTION_SOCKET},
        {"user", no_argument, NULL, OPTION_USER},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {NULL, 0, NULL, 0},
};

static int parse_session(const char *text, uint64_t *out)
{
        if (argument_number(text, UINT64_MAX, out) && *out > 0)
                return 0;
        return error_set(EINVAL, "--session takes a number, as kyronctl sessions shows, not \"%s\"",
                         text);
}

static int parse_timeout(const char *text, uint64_t *out)
{
        if (argument_number(text, TIMEOUT_MAX_SECONDS, out) && *out > 0)
                return 0;
        return error_set(EINVAL, "--timeout takes seconds, 1 to %d, not \"%s\"",
                         TIMEOUT_MAX_SECONDS, text);
}

static int choose_user_socket(const char **socket_path)
{
        static char path[USER_SOCKET_MAX];
        const char *runtime_directory = getenv("XDG_RUNTIME_DIR");

        if (!runtime_directory || !*runtime_directory)
                return error_set(EINVAL,
                                 "--user needs XDG_RUNTIME_DIR to be set, or --socket PATH");
        snprintf(path, sizeof(path), "%s/kyron-iod/socket", runtime_directory);
        *socket_path = path;
        /* Where it is missing there is no daemon either, which is said later. */
        return private_directory_check(runtime_directory) == -EPERM ? -EPERM : 0;
}

/* An option that is not one, lacks its argument, or has one too many. */
static int bad_option(int option, const char *word)
{
        if (option == ':')
                return error_set(EINVAL, "%s needs an argument: see kyronctl --help", word);
        if (optopt >= OPTION_SESSION)
                return error_set(EINVAL, "%s: it takes no argument: see kyronctl --help", word);
        if (optopt > 0)
                return error_set(EINVAL, "there is no option -%c: see kyronctl --help", optopt);
        return error_set(EINVAL, "there is no option %s: see kyronctl --help", word);
}

static int find_verb(const char *name, size_t *verb)
{
        for (size_t i = 0; i < VERBS; i++) {
                if (strcmp(verbs[i].name, name) == 0) {
                        *verb = i;
                        return 0;
                }
        }
        return error_set(EINVAL, "there is no verb \"%s\": see kyronctl --help", name);
}

static int check_arguments(size_t verb, int count, char **arguments)
{
        if (arguments && count > verbs[verb].arguments_max)
                return error_set(EINVAL, "%s takes no argument \"%s\": see kyronctl --help",
                                 verbs[verb].name, arguments[verbs[verb].arguments_max]);
        if (count < verbs[verb].arguments_min)
                return error_set(EINVAL, "%s takes %s: see kyronctl --help", verbs[verb].name,
                                 verbs[verb].arguments);
        return 0;
}

static int check_options(size_t verb, const CommandLine *command_line)
{
        const char *name = verbs[verb].name;
        unsigned takes = verbs[verb].options;

        if (command_line->session != 0 && !(takes & TAKES_SESSION))
                return error_set(EINVAL, "--session goes with registrations, not with %s", name);
        if (command_line->timeout_s != 0 && !(takes & TAKES_TIMEOUT))
                return error_set(EINVAL, "--timeout goes with drain and monitor, not with %s",
                                 name);
        if (command_line->undo && !(takes & TAKES_UNDO))
                return error_set(EINVAL, "--undo goes with drain, not with %s", name);
        if (command_line->owner && !(takes & TAKES_OWNER))
                return error_set(EINVAL, "--of goes with pause and resume, not with %s", name);
        if (command_line->all && !(takes & TAKES_ALL))
                return error_set(EINVAL, "--all goes with waits, not with %s", name);
        if (command_line->large && !(takes & TAKES_LARGE))
                return error_set(EINVAL, "--large goes with waits, why and monitor, not with %s",
                                 name);
        if (command_line->no_waits && !(takes & TAKES_NO_WAITS))
                return error_set(EINVAL, "--no-waits goes with monitor, not with %s", name);
        return 0;
}

/* What the options come to, when all were read: 0 or -EINVAL. */
static int check_words(CommandLine *command_line, int count, char **words, bool user, size_t *verb)
{
        int r = 0;

        *verb = VERB_STATUS;
        if (count > 0) {
                r = find_verb(words[0], verb);
                command_line->arguments = words + 1;
                command_line->argument_count = count - 1;
        }
        if (r == 0)
                r = check_arguments(*verb, command_line->argument_count, command_line->arguments);
        if (r == 0)
                r = check_options(*verb, command_line);
        if (r == 0 && user && !command_line->socket_path)
                r = choose_user_socket(&command_line->socket_path);
        if (r < 0)
                return r;
        command_line->socket_path = daemon_connection_path(command_line->socket_path);
        return *command_line->socket_path ? 0
                                          : error_set(EINVAL, "--socket takes a path, not \"\"");
}

/* 0 to run *verb, 1 when --help or --version is all there is to do, or -EINVAL. */
static int parse(CommandLine *command_line, int argc, char **argv, size_t *verb)
{
        bool user = false;
        int option, r;

        opterr = 0;
        while ((option = getopt_long(argc, argv, ":", long_options, NULL)) >= 0) {
                switch (option) {
                case OPTION_SESSION:
                        r = parse_session(optarg, &command_line->session);
                        if (r < 0)
                                return r;
                        break;
                case OPTION_TIMEOUT:
                        r = parse_timeout(optarg, &command_line->timeout_s);
                        if (r < 0)
                                return r;
                        break;
                case OPTION_UNDO:
                        command_line->undo = true;
                        break;
                case OPTION_OF:
                        command_line->owner = optarg;
                        break;
                case OPTION_ALL:
                        command_line->all = true;
                        break;
                case OPTION_LARGE:
                        command_line->large = true;
                        break;
                case OPTION_NO_WAITS:
                        command_line->no_waits = true;
                        break;
                case OPTION_JSON:
                        command_line->json = true;
                        break;
                case OPTION_NO_LEGEND:
                        command_line->no_legend = true;
                        break;
                case OPTION_SOCKET:
                        command_line->socket_path = optarg;
                        break;
                case OPTION_USER:
                        user = true;
                        break;
                case OPTION_HELP:
                        fputs(usage, stdout);
                        return 1;
                case OPTION_VERSION:
                        puts("kyronctl " PACKAGE_VERSION);
                        return 1;
                default:
                        return bad_option(option, argv[optind - 1]);
                }
        }
        return check_words(command_line, argc - optind, argv + optind, user, verb);
}

static void complain(const char *text)
{
        char line[ERROR_TEXT_MAX];

        snprintf(line, sizeof(line), "%s", text);
        output_make_printable(line);
        fprintf(stderr, "kyronctl: %s\n", line);
}

/* The signal that was waited for is still pending: now it may end kyronctl, so that a shell learns
 * of it, and ends its loop too. */
static void end_by_interrupt(void)
{
        sigset_t signals;

        sigemptyset(&signals);
        sigaddset(&signals, SIGINT);
        sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

int main(int argc, char **argv)
{
        CommandLine command_line = {.socket_path = NULL};
        ExitCode code = EXIT_CODE_OK;
        size_t verb = 0;
        int r;

        if (!standard_descriptors_occupy())
                return EXIT_CODE_FAILED;
        r = parse(&command_line, argc, argv, &verb);
        if (r < 0)
                code = EXIT_CODE_USAGE;
        else if (r == 0)
                code = verbs[verb].run(&command_line);
        if (code != EXIT_CODE_OK && *error_text())
                complain(error_text());
        errno = EIO; /* when it failed before */
        if (fflush(stdout) != 0 || ferror(stdout)) {
                error_set(errno, "standard output: %s", strerror(errno));
                complain(error_text());
                return EXIT_CODE_FAILED;
        }
        if (code == EXIT_CODE_INTERRUPTED)
                end_by_interrupt();
        return (int)code;
}
