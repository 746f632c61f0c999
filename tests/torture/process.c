/* Programs of a torture. See process.h. */
#include "tests/torture/process.h"

#include "core/cleanup.h"
#include "tests/support/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_STARTED = 126 };

_Noreturn void torture_fail(const char *format, ...)
{
        va_list args;

        fputs("torture: ", stderr);
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fputs("\n", stderr);
        exit(2);
}

static _Noreturn void run(const char *const *words, uid_t user, const char *log_path, int out_fd,
                          pid_t parent)
{
        int log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

        if (log_fd < 0 || dup2(log_fd, STDERR_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0)
                _exit(NOT_STARTED);
        if (user != (uid_t)-1 && (setgroups(0, NULL) < 0 || setresgid(user, user, user) < 0 ||
                                  setresuid(user, user, user) < 0))
                _exit(NOT_STARTED);
        /* After the change of user, which would undo it. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
                execv(words[0], (char *const *)words);
        fprintf(stderr, "cannot start %s\n", words[0]);
        _exit(NOT_STARTED);
}

void process_start(Process *process, const char *const *words, uid_t user, const char *log_path)
{
        pid_t parent = getpid();
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                torture_fail("a pipe: %s", strerror(errno));
        fflush(NULL);
        process->pid = fork();
        if (process->pid < 0)
                torture_fail("fork: %s", strerror(errno));
        if (process->pid == 0)
                run(words, user, log_path, ends[1], parent);
        close(ends[1]);
        process->out_fd = ends[0];
}

bool process_read_line(Process *process, char line[static PROCESS_LINE_MAX], int ms)
{
        Deadline deadline = deadline_in(ms);
        size_t size = 0;

        while (size < PROCESS_LINE_MAX - 1 &&
               wait_readable(process->out_fd, deadline_left(deadline)) &&
               read(process->out_fd, line + size, 1) == 1 && line[size] != '\n')
                size++;
        line[size < PROCESS_LINE_MAX - 1 ? size + 1 : size] = '\0';
        if (size == PROCESS_LINE_MAX - 1 || line[size] != '\n')
                return false;
        line[size] = '\0';
        return true;
}

bool process_is_ready(Process *process, int ms)
{
        char line[PROCESS_LINE_MAX] = "";

        return process_read_line(process, line, ms) && strcmp(line, "ready") == 0;
}

json_t *process_read_json(Process *process, int ms)
{
        char line[PROCESS_LINE_MAX] = "";

        return process_read_line(process, line, ms) ? json_loads(line, 0, NULL) : NULL;
}

int process_wait(Process *process, int ms)
{
        int status;

        if (!wait_exit(process->pid, ms, &status)) {
                process_kill(process);
                return -1;
        }
        close(process->out_fd);
        process->pid = 0;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int process_stop(Process *process, int ms)
{
        kill(process->pid, SIGTERM);
        return process_wait(process, ms);
}

void process_kill(Process *process)
{
        if (process->pid == 0)
                return;
        kill(process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
        close(process->out_fd);
        process->pid = 0;
}
