/*
 * kyronctl: read the command line, run one verb, say what went wrong in one line.
 */
#include "core/error.h"
#include "core/standard_descriptors.h"
#include "ctl/help.h"
#include "ctl/options.h"
#include "ctl/output.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

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

static ExitCode run(int argc, char **argv)
{
        CommandLine command_line = {.socket_path = NULL};
        const Verb *verb = NULL;
        const ExitCode code = options_read(&command_line, &verb, argc, argv);

        if (code != EXIT_CODE_OK)
                return code;
        if (command_line.help)
                help_print(verb);
        else if (command_line.version)
                puts("kyronctl " PACKAGE_VERSION);
        else
                return (verb ? verb : verbs_at(0))->run(&command_line);
        return EXIT_CODE_OK;
}

int main(int argc, char **argv)
{
        ExitCode code;

        if (!standard_descriptors_occupy())
                return EXIT_CODE_FAILED;
        /* For names of programs and users. Numbers and times are written as everywhere. */
        setlocale(LC_CTYPE, "");
        code = run(argc, argv);
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
