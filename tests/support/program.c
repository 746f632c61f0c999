/* Runs of kyron-iod. See program.h. */
#include "tests/support/program.h"

#include "client/handle/daemon_connection.h"
#include "tests/support/daemon.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 32, NOBODY = 65534, NOT_STARTED = 126 };

static void run(const Program *program, const char *const *words, void (*prepare)(void))
{
        const char *arguments[WORDS_MAX] = {"kyron-iod"};
        size_t count = 1;

        while (*words && count < WORDS_MAX - 1)
                arguments[count++] = *words++;
        dup2(program->out_fd, STDOUT_FILENO);
        dup2(program->err_fd, STDERR_FILENO);
        if (prepare)
                prepare();
        /* After a change of user, which would undo it. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execv(test_daemon_program(), (char *const *)arguments);
        _exit(NOT_STARTED);
}

void program_start(Program *program, const char *const *words, void (*prepare)(void))
{
        *program = (Program){
                .out_fd = memfd_create("out", MFD_CLOEXEC),
                .err_fd = memfd_create("err", MFD_CLOEXEC),
        };
        ck_assert(program->out_fd >= 0 && program->err_fd >= 0);
        fflush(NULL);
        program->pid = fork();
        ck_assert_int_ge(program->pid, 0);
        if (program->pid == 0)
                run(program, words, prepare);
}

static void read_text(int fd, char text[static PROGRAM_TEXT_MAX])
{
        ssize_t n = pread(fd, text, PROGRAM_TEXT_MAX - 1, 0);

        ck_assert_int_ge(n, 0);
        text[n] = '\0';
}

void program_read(Program *program)
{
        read_text(program->out_fd, program->out);
        read_text(program->err_fd, program->err);
}

bool program_has_said(Program *program, const char *text)
{
        program_read(program);
        return strstr(program->err, text) != NULL;
}

void program_await_said(Program *program, const char *text)
{
        ck_assert_msg(WAIT_UNTIL(program_has_said(program, text), DEADLINE_MS),
                      "it does not say \"%s\", but: %s", text, program->err);
}

int program_wait(Program *program)
{
        int status;

        ck_assert_msg(wait_exit(program->pid, DEADLINE_MS, &status), "kyron-iod does not end");
        program_read(program);
        close(program->out_fd);
        close(program->err_fd);
        ck_assert_msg(WIFEXITED(status), "kyron-iod ended with status %#x: %s", status,
                      program->err);
        ck_assert_msg(WEXITSTATUS(status) != NOT_STARTED, "%s cannot be started",
                      test_daemon_program());
        return WEXITSTATUS(status);
}

void program_stop(Program *program)
{
        ck_assert_int_eq(kill(program->pid, SIGTERM), 0);
        ck_assert_int_eq(program_wait(program), 0);
}

bool program_has_ended(const Program *program)
{
        siginfo_t end = {0};

        return waitid(P_PID, (id_t)program->pid, &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               end.si_pid == program->pid;
}

void program_expect_failure(const char *socket_path, void (*prepare)(void), const char *format, ...)
{
        static Program program;
        char sentence[512], expected[600];
        va_list args;

        va_start(args, format);
        vsnprintf(sentence, sizeof(sentence), format, args);
        va_end(args);
        snprintf(expected, sizeof(expected), "kyron-iod: error: %s\n", sentence);
        ck_assert_int_eq(PROGRAM_RUN(&program, prepare, "--foreground", "--log-level", "error",
                                     "--config", "/dev/null", "--socket", socket_path),
                         1);
        ck_assert_str_eq(program.err, expected);
        ck_assert_str_eq(program.out, "");
}

void program_serve(Program *program, const char *socket_path, void (*prepare)(void))
{
        program_start(program,
                      (const char *const[]){"--foreground", "--log-level", "warning", "--config",
                                            "/dev/null", "--socket", socket_path, NULL},
                      prepare);
        program_await_serving(socket_path);
}

bool program_serves(const char *socket_path)
{
        DaemonConnection connection;

        if (daemon_connection_open(&connection, socket_path, "test", false) < 0)
                return false;
        close(connection.fd);
        return true;
}

void program_await_serving(const char *socket_path)
{
        ck_assert_msg(WAIT_UNTIL(program_serves(socket_path), DEADLINE_MS), "%s is not served",
                      socket_path);
}

char *program_make_directory(char *socket_path, size_t size)
{
        char *directory = make_temp_dir();

        snprintf(socket_path, size, "%s/socket", directory);
        ck_assert_int_eq(chmod(directory, 01777), 0);
        return directory;
}

void program_adopt_orphans(void)
{
        prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void program_end_orphans(void)
{
        char path[64];
        FILE *children;
        int pid;

        snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
        children = fopen(path, "re");
        while (children && fscanf(children, "%d", &pid) == 1) {
                kill(pid, SIGKILL);
                waitpid(pid, NULL, 0);
        }
        if (children)
                fclose(children);
}

void become_nobody(void)
{
        if (geteuid() != 0)
                return;
        if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
            setresuid(NOBODY, NOBODY, NOBODY) < 0)
                _exit(NOT_STARTED);
}
