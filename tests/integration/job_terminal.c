/* Terminals with a job. See job_terminal.h. */
#include "tests/integration/job_terminal.h"

#include "tests/integration/kyronctl_run.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static const char home[] = "\033[H", left[] = "\033[?1049l";

static _Noreturn void run_job(int slave, const char *const *words)
{
        const char *arguments[16] = {kyronctl_program()};

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (size_t i = 0; words[i] && i < 14; i++)
                arguments[i + 1] = words[i];
        setpgid(0, 0);
        signal(SIGTTOU, SIG_IGN);
        tcsetpgrp(slave, getpid());
        signal(SIGTTOU, SIG_DFL);
        unsetenv("COLUMNS");
        setenv("LC_ALL", "C.UTF-8", 1);
        dup2(slave, STDIN_FILENO);
        dup2(slave, STDOUT_FILENO);
        dup2(slave, STDERR_FILENO);
        execv(arguments[0], (char *const *)arguments);
        _exit(126);
}

/* Tells the job's number, and then what becomes of it. */
static _Noreturn void run_shell(const JobTerminal *terminal, int reports, const char *const *words,
                                pid_t parent)
{
        const int slave = terminal->slave;
        int status;
        pid_t job;

        /* Or it would not hang up when the test closes it. */
        close(terminal->master);
        /* Before the look at the parent: it may be gone already. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                _exit(1);
        signal(SIGHUP, SIG_IGN);
        if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0)
                _exit(1);
        job = fork();
        if (job == 0) {
                signal(SIGHUP, SIG_DFL);
                run_job(slave, words);
        }
        setpgid(job, job);
        if (write(reports, &job, sizeof(job)) != sizeof(job))
                _exit(1);
        do {
                if (waitpid(job, &status, WUNTRACED) != job ||
                    write(reports, &status, sizeof(status)) != sizeof(status))
                        _exit(1);
        } while (WIFSTOPPED(status));
        _exit(0);
}

void job_terminal_open(JobTerminal *terminal, int rows, int columns, const char *const *words)
{
        const pid_t own = getpid();
        int reports[2];
        char path[64];

        *terminal = (JobTerminal){.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
        ck_assert_int_ge(terminal->master, 0);
        ck_assert(grantpt(terminal->master) == 0 && unlockpt(terminal->master) == 0);
        ck_assert_int_eq(ptsname_r(terminal->master, path, sizeof(path)), 0);
        terminal->slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
        ck_assert_int_ge(terminal->slave, 0);
        job_terminal_resize(terminal, rows, columns);
        ck_assert_int_eq(tcgetattr(terminal->slave, &terminal->before), 0);
        pipe_pair(reports);
        fflush(NULL);
        terminal->shell = fork();
        ck_assert_int_ge(terminal->shell, 0);
        if (terminal->shell == 0)
                run_shell(terminal, reports[1], words, own);
        close(reports[1]);
        terminal->reports = reports[0];
        terminal->text = calloc(1, 1);
        ck_assert(wait_readable(terminal->reports, DEADLINE_MS));
        ck_assert_int_eq(read(terminal->reports, &terminal->job, sizeof(terminal->job)),
                         sizeof(terminal->job));
}

void job_terminal_close(JobTerminal *terminal)
{
        int status;

        kill(terminal->job, SIGKILL);
        ck_assert(wait_exit(terminal->shell, DEADLINE_MS, &status));
        close(terminal->master);
        close(terminal->slave);
        close(terminal->reports);
        free(terminal->text);
}

void job_terminal_type(JobTerminal *terminal, const char *keys)
{
        const size_t n = strlen(keys);

        ck_assert_int_eq(write(terminal->master, keys, n), (ssize_t)n);
}

void job_terminal_resize(JobTerminal *terminal, int rows, int columns)
{
        const struct winsize size = {.ws_row = (unsigned short)rows,
                                     .ws_col = (unsigned short)columns};

        ck_assert_int_eq(ioctl(terminal->master, TIOCSWINSZ, &size), 0);
}

/* Takes what has come, at most so long after now. */
static bool take(JobTerminal *terminal, int timeout_ms)
{
        char block[4096];
        ssize_t n;

        if (!wait_readable(terminal->master, timeout_ms))
                return false;
        n = read(terminal->master, block, sizeof(block));
        if (n <= 0)
                return false;
        terminal->text = realloc(terminal->text, terminal->length + (size_t)n + 1);
        ck_assert_ptr_nonnull(terminal->text);
        memcpy(terminal->text + terminal->length, block, (size_t)n);
        terminal->length += (size_t)n;
        terminal->text[terminal->length] = '\0';
        return true;
}

void job_terminal_forget(JobTerminal *terminal)
{
        while (take(terminal, 0))
                ;
        terminal->mark = terminal->length;
}

bool job_terminal_shows(JobTerminal *terminal, const char *text)
{
        const Deadline end = deadline_in(DEADLINE_MS);

        do {
                if (strstr(terminal->text + terminal->mark, text))
                        return true;
        } while (deadline_left(end) > 0 && take(terminal, deadline_left(end)));
        return false;
}

/* Without what begins with an escape and ends with a letter. */
static char *without_escapes(const char *begin, const char *end)
{
        char *plain = calloc(1, (size_t)(end - begin) + 1), *out = plain;

        ck_assert_ptr_nonnull(plain);
        for (const char *at = begin; at < end; at++) {
                if (*at == '\033') {
                        for (at += 2; at < end && *at < '@'; at++)
                                ;
                } else if (*at != '\r') {
                        *out++ = *at;
                }
        }
        return plain;
}

char *job_terminal_picture(JobTerminal *terminal)
{
        const Deadline end = deadline_in(DEADLINE_MS);
        const char *last = NULL, *before = NULL;

        /* Until one has begun after it. */
        do {
                last = before = NULL;
                for (const char *at = terminal->text + terminal->mark; (at = strstr(at, home));
                     at++) {
                        before = last;
                        last = at;
                }
        } while (!before && take(terminal, deadline_left(end)));
        ck_assert_msg(before && last, "there is no picture");
        return without_escapes(before, last);
}

int job_terminal_wait(JobTerminal *terminal)
{
        int status = -1;

        /* It may wait until somebody reads what it shows. */
        ck_assert(
                WAIT_UNTIL((take(terminal, 0), wait_readable(terminal->reports, 0)), DEADLINE_MS));
        ck_assert_int_eq(read(terminal->reports, &status, sizeof(status)), sizeof(status));
        while (take(terminal, 0))
                ;
        return status;
}

bool job_terminal_is_as_before(JobTerminal *terminal)
{
        struct termios now;

        ck_assert_int_eq(tcgetattr(terminal->slave, &now), 0);
        return now.c_lflag == terminal->before.c_lflag && now.c_iflag == terminal->before.c_iflag &&
               now.c_oflag == terminal->before.c_oflag && now.c_cflag == terminal->before.c_cflag &&
               memcmp(now.c_cc, terminal->before.c_cc, sizeof(now.c_cc)) == 0 &&
               terminal->length >= strlen(left) &&
               strcmp(terminal->text + terminal->length - strlen(left), left) == 0;
}
