/* Command lines. See options.h. */
#include "ctl/options.h"

#include "client/handle/daemon_connection.h"
#include "core/error.h"
#include "core/private_directory.h"
#include "ctl/argument.h"
#include "ctl/near_word.h"
#include "ctl/user_name.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        PRIVATE_SOCKET_MAX = 4096,
        TIMEOUT_MAX_SECONDS = 365 * 24 * 60 * 60,
        DELAY_MAX_SECONDS = 60 * 60,
        PORT_MAX = 65535,
        LONG_OPTION = 256, /* what getopt_long() returns of the first of the table */
};

/* ---- The table ------------------------------------------------------------------------------- */

static ExitCode read_session(CommandLine *command_line, const char *text)
{
        if (argument_number(text, UINT64_MAX, &command_line->session) && command_line->session > 0)
                return EXIT_CODE_OK;
        error_set(EINVAL, "--session takes a number, as kyronctl sessions shows, not \"%s\"", text);
        return EXIT_CODE_USAGE;
}

static ExitCode read_timeout(CommandLine *command_line, const char *text)
{
        if (argument_number(text, TIMEOUT_MAX_SECONDS, &command_line->timeout_s) &&
            command_line->timeout_s > 0)
                return EXIT_CODE_OK;
        error_set(EINVAL, "--timeout takes seconds, 1 to %d, not \"%s\"", TIMEOUT_MAX_SECONDS,
                  text);
        return EXIT_CODE_USAGE;
}

static ExitCode read_owner(CommandLine *command_line, const char *text)
{
        command_line->owner = text;
        return EXIT_CODE_OK;
}

static ExitCode read_sort(CommandLine *command_line, const char *text)
{
        command_line->sort = text;
        return EXIT_CODE_OK;
}

static ExitCode read_user(CommandLine *command_line, const char *text)
{
        const int r = user_name_find(text, &command_line->filter.uid);

        command_line->filter.by_user = true;
        if (r < 0)
                return r == -ENOENT ? EXIT_CODE_NOT_FOUND : EXIT_CODE_FAILED;
        return EXIT_CODE_OK;
}

static ExitCode read_pid(CommandLine *command_line, const char *text)
{
        uint64_t *pid = &command_line->filter.pid;

        if (argument_number(text, INT32_MAX, pid) && *pid > 0)
                return EXIT_CODE_OK;
        error_set(EINVAL, "--pid takes a process's number, not \"%s\"", text);
        return EXIT_CODE_USAGE;
}

static ExitCode read_port(CommandLine *command_line, const char *text)
{
        uint64_t *port = &command_line->filter.port;

        if (argument_number(text, PORT_MAX, port) && *port > 0)
                return EXIT_CODE_OK;
        error_set(EINVAL, "--port takes a number, 1 to %d, not \"%s\"", PORT_MAX, text);
        return EXIT_CODE_USAGE;
}

static ExitCode read_delay(CommandLine *command_line, const char *text)
{
        if (argument_number(text, DELAY_MAX_SECONDS, &command_line->delay_s) &&
            command_line->delay_s > 0)
                return EXIT_CODE_OK;
        error_set(EINVAL, "--delay takes seconds, 1 to %d, not \"%s\"", DELAY_MAX_SECONDS, text);
        return EXIT_CODE_USAGE;
}

static ExitCode read_count(CommandLine *command_line, const char *text)
{
        if (argument_number(text, UINT32_MAX, &command_line->count) && command_line->count > 0)
                return EXIT_CODE_OK;
        error_set(EINVAL, "--count takes a number from 1 on, not \"%s\"", text);
        return EXIT_CODE_USAGE;
}

static ExitCode read_socket(CommandLine *command_line, const char *text)
{
        command_line->socket_path = text;
        return EXIT_CODE_OK;
}

#define FLAG(member)   NULL, offsetof(CommandLine, member)
#define READ(function) function, 0

static const Option options[] = {
        {"user", 0, "USER", TAKES_USER, READ(read_user), "only what is this user's"},
        {"pid", 0, "PID", TAKES_PID, READ(read_pid), "only what is this process's"},
        {"port", 0, "PORT", TAKES_PORT, READ(read_port),
         "only what has this TCP or UDP port, at either end"},
        {"sort", 0, "COLUMN[,COLUMN]...", TAKES_TABLE | TAKES_TOP, READ(read_sort),
         "sort a table; by -COLUMN, the most first"},
        {"delay", 'd', "SECONDS", TAKES_TOP, READ(read_delay), "how long between two looks"},
        {"batch", 'b', NULL, TAKES_TOP, FLAG(batch), "print each look, and read no keys"},
        {"count", 'n', "NUMBER", TAKES_TOP, READ(read_count), "end after so many looks"},
        {"wide", 'w', NULL, TAKES_TABLE | TAKES_TOP, FLAG(wide),
         "cut nothing, and leave no column out"},
        {"session", 0, "ID", TAKES_SESSION, READ(read_session), "only what is this session's"},
        {"timeout", 0, "SECONDS", TAKES_TIMEOUT, READ(read_timeout),
         "how long drain waits and monitor looks; else as long\n"
         "as it takes"},
        {"undo", 0, NULL, TAKES_UNDO, FLAG(undo), "give a drained worker connections again"},
        {"of", 0, "USER", TAKES_OWNER, READ(read_owner),
         "whose listener, where several have one of that name"},
        {"all", 0, NULL, TAKES_ALL, FLAG(all),
         "also those with nothing to worry about, or nothing used"},
        {"no-waits", 0, NULL, TAKES_NO_WAITS, FLAG(no_waits),
         "leave out what is wrong with processes' waits"},
        {"large", 0, NULL, TAKES_LARGE, FLAG(large),
         "read also what is so large that reading it holds its\n"
         "process up"},
        {"json", 0, NULL, 0, FLAG(json), "JSON for programs"},
        {"no-legend", 0, NULL, 0, FLAG(no_legend), "tables without headings"},
        {"socket", 0, "PATH", 0, READ(read_socket),
         "the daemon's socket; else $KYRON_SOCKET, else\n" KYRON_DEFAULT_SOCKET},
        {"private", 0, NULL, 0, FLAG(private_daemon),
         "your private daemon: $XDG_RUNTIME_DIR/kyron-iod/socket"},
        {"help", 'h', NULL, 0, FLAG(help), "this; of a verb, what goes with it"},
        {"version", 0, NULL, 0, FLAG(version), "the release of kyronctl"},
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

const Option *options_at(size_t i)
{
        return i < OPTIONS ? &options[i] : NULL;
}

bool option_goes_with(const Option *option, const Verb *verb)
{
        return option->takes == 0 || option->takes & verb->options;
}

/* ---- What is wrong with a command line ------------------------------------------------------- */

/* "sessions", "pause and resume", "sessions, groups and waits". */
static void list_verbs(const Option *option, char *out, size_t size)
{
        const Verb *verb;
        size_t left = 0, length = 0;

        for (size_t i = 0; (verb = verbs_at(i)); i++)
                left += option_goes_with(option, verb);
        for (size_t i = 0; (verb = verbs_at(i)) && length < size; i++) {
                if (!option_goes_with(option, verb))
                        continue;
                left--;
                length += (size_t)snprintf(out + length, size - length, "%s%s", verb->name,
                                           left > 1    ? ", "
                                           : left == 1 ? " and "
                                                       : "");
        }
}

static ExitCode check_option(const Option *option, const Verb *verb)
{
        char names[ERROR_TEXT_MAX] = "";

        if (option_goes_with(option, verb))
                return EXIT_CODE_OK;
        list_verbs(option, names, sizeof(names));
        error_set(EINVAL, "--%s goes with %s, not with %s", option->name, names, verb->name);
        return EXIT_CODE_USAGE;
}

static int no_option(const char *word)
{
        char name[64];
        NearWord near = {.typed = name};

        snprintf(name, sizeof(name), "%s", word + strspn(word, "-"));
        name[strcspn(name, "=")] = '\0';
        for (size_t i = 0; i < OPTIONS; i++)
                near_word_try(&near, options[i].name);
        if (near.nearest)
                return error_set(EINVAL, "there is no option %s; is it --%s?", word, near.nearest);
        return error_set(EINVAL, "there is no option %s: see kyronctl --help", word);
}

/* An option that is not one, lacks its argument, or has one too many. */
static ExitCode bad_option(int option, const char *word)
{
        if (option == ':')
                error_set(EINVAL, "%s needs an argument: see kyronctl --help", word);
        else if (optopt >= LONG_OPTION)
                error_set(EINVAL, "%s: it takes no argument: see kyronctl --help", word);
        else if (optopt > 0)
                error_set(EINVAL, "there is no option -%c: see kyronctl --help", optopt);
        else
                no_option(word);
        return EXIT_CODE_USAGE;
}

static ExitCode check_arguments(const Verb *verb, const CommandLine *command_line)
{
        if (command_line->argument_count > verb->arguments_max) {
                error_set(EINVAL, "%s takes no argument \"%s\": see kyronctl %s -h", verb->name,
                          command_line->arguments[verb->arguments_max], verb->name);
                return EXIT_CODE_USAGE;
        }
        if (command_line->argument_count < verb->arguments_min) {
                error_set(EINVAL, "%s takes %s: see kyronctl %s -h", verb->name, verb->arguments,
                          verb->name);
                return EXIT_CODE_USAGE;
        }
        if (command_line->sort && command_line->json && verb->options & TAKES_TABLE) {
                error_set(EINVAL, "--sort goes with tables, not with --json");
                return EXIT_CODE_USAGE;
        }
        return EXIT_CODE_OK;
}

/* ---- Reading one ----------------------------------------------------------------------------- */

static ExitCode choose_socket(CommandLine *command_line)
{
        static char path[PRIVATE_SOCKET_MAX];
        const char *runtime_directory = getenv("XDG_RUNTIME_DIR");

        if (command_line->private_daemon && !command_line->socket_path) {
                if (!runtime_directory || !*runtime_directory) {
                        error_set(EINVAL, "--private needs XDG_RUNTIME_DIR to be set, or --socket "
                                          "PATH");
                        return EXIT_CODE_USAGE;
                }
                snprintf(path, sizeof(path), "%s/kyron-iod/socket", runtime_directory);
                command_line->socket_path = path;
                /* Where it is missing there is no daemon either, which is said later. */
                if (private_directory_check(runtime_directory) == -EPERM)
                        return EXIT_CODE_USAGE;
        }
        command_line->socket_path = daemon_connection_path(command_line->socket_path);
        if (*command_line->socket_path)
                return EXIT_CODE_OK;
        error_set(EINVAL, "--socket takes a path, not \"\"");
        return EXIT_CODE_USAGE;
}

/* All options, which getopt_long() moves before the words; those there were are in used. */
static ExitCode read_options(CommandLine *out, int argc, char **argv, bool used[static OPTIONS])
{
        struct option longs[OPTIONS + 1] = {{.name = NULL}};
        char letters[2 * OPTIONS + 2] = ":";
        size_t n = 1;
        int found;

        for (size_t i = 0; i < OPTIONS; i++) {
                longs[i] = (struct option){
                        .name = options[i].name,
                        .has_arg = options[i].argument ? required_argument : no_argument,
                        .val = LONG_OPTION + (int)i,
                };
                if (options[i].letter)
                        letters[n++] = options[i].letter;
                if (options[i].letter && options[i].argument)
                        letters[n++] = ':';
        }
        opterr = 0;
        while ((found = getopt_long(argc, argv, letters, longs, NULL)) >= 0) {
                size_t i = found >= LONG_OPTION ? (size_t)(found - LONG_OPTION) : 0;
                ExitCode code;

                while (found < LONG_OPTION && i < OPTIONS && options[i].letter != found)
                        i++;
                if (i == OPTIONS)
                        return bad_option(found, argv[optind - 1]);
                used[i] = true;
                if (!options[i].read) {
                        *(bool *)((char *)out + options[i].flag) = true;
                        continue;
                }
                code = options[i].read(out, optarg);
                if (code != EXIT_CODE_OK)
                        return code;
        }
        return EXIT_CODE_OK;
}

/* --user that names nobody is --private, as with systemctl: a verb follows it, or no word does. */
static void replace_bare_user(int argc, char **argv)
{
        static char private_option[] = "--private";
        bool is_after_verb = false;

        for (int i = 1; i < argc; i++) {
                const char *next = i + 1 < argc ? argv[i + 1] : "-";

                if (strcmp(argv[i], "--user") == 0 &&
                    (*next == '-' || (!is_after_verb && verbs_find(next))))
                        argv[i] = private_option;
                is_after_verb = is_after_verb || verbs_find(argv[i]);
        }
}

ExitCode options_read(CommandLine *out, const Verb **verb, int argc, char **argv)
{
        bool used[OPTIONS] = {false};
        ExitCode code;

        replace_bare_user(argc, argv);
        code = read_options(out, argc, argv, used);
        *verb = NULL;
        if (code == EXIT_CODE_OK && optind < argc) {
                *verb = verbs_find(argv[optind]);
                out->arguments = argv + optind + 1;
                out->argument_count = argc - optind - 1;
                code = *verb ? EXIT_CODE_OK : EXIT_CODE_USAGE;
        }
        if (code != EXIT_CODE_OK || out->help || out->version)
                return code;
        for (size_t i = 0; i < OPTIONS && code == EXIT_CODE_OK; i++) {
                if (used[i])
                        code = check_option(&options[i], *verb ? *verb : verbs_at(0));
        }
        if (code == EXIT_CODE_OK && *verb)
                code = check_arguments(*verb, out);
        return code == EXIT_CODE_OK ? choose_socket(out) : code;
}
