/*
 * daemon/background: whoever started the daemon waits until it serves, learns it by the exit code,
 * and is not held by it afterwards.
 */
#include "daemon/process/background.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the process in the background says of itself. */
typedef struct Background {
        pid_t pid;
        pid_t session;
        pid_t starters_session;
        dev_t streams[3];
        char directory[64];
} Background;

typedef enum Course { SERVES, FAILS, IS_KILLED } Course;

static pid_t starter; /* the process that somebody started */
static int go[2];     /* the test lets the background go on */
static int told[2];   /* it tells what it is */

static _Noreturn void run_in_background(int ready_fd, Course course, pid_t starters_session)
{
        Background self = {.pid = getpid(), .starters_session = starters_session};
        struct stat stream;

        if (!wait_readable(go[0], DEADLINE_MS))
                _exit(3);
        if (course == FAILS)
                _exit(0);
        if (course == IS_KILLED)
                raise(SIGKILL);
        background_ready(ready_fd);
        self.session = getsid(0);
        for (int i = 0; i < 3; i++)
                self.streams[i] = fstat(i, &stream) == 0 ? stream.st_rdev : 0;
        if (!getcwd(self.directory, sizeof(self.directory)))
                strcpy(self.directory, "none");
        _exit(write(told[1], &self, sizeof(self)) == sizeof(self) ? 0 : 1);
}

static void start(Course course)
{
        ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
        ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
        starter = fork();
        ck_assert_int_ge(starter, 0);
        if (starter == 0) {
                pid_t session = getsid(0);
                int ready_fd = background_start();

                run_in_background(ready_fd, course, session);
        }
}

static int starters_exit_code(void)
{
        int status;

        ck_assert(wait_exit(starter, DEADLINE_MS, &status));
        ck_assert(WIFEXITED(status));
        return WEXITSTATUS(status);
}

START_TEST(the_starter_waits_until_the_daemon_serves)
{
        Background background;

        start(SERVES);
        /* It has nothing to wait for but the background, which waits for us. */
        ck_assert_int_eq(waitpid(starter, NULL, WNOHANG), 0);
        put_byte(go[1]);
        ck_assert(wait_readable(told[0], DEADLINE_MS));
        ck_assert_int_eq(read(told[0], &background, sizeof(background)), sizeof(background));
        ck_assert_int_eq(starters_exit_code(), 0);
        ck_assert_int_ne(background.pid, starter);
}
END_TEST

START_TEST(the_starter_is_told_that_the_daemon_did_not_come_up)
{
        start(_i == 0 ? FAILS : IS_KILLED);
        put_byte(go[1]);
        ck_assert_int_eq(starters_exit_code(), 1);
}
END_TEST

START_TEST(the_background_has_left_the_terminal_and_the_directory)
{
        Background background;

        start(SERVES);
        put_byte(go[1]);
        ck_assert_int_eq(starters_exit_code(), 0);
        ck_assert(wait_readable(told[0], DEADLINE_MS));
        ck_assert_int_eq(read(told[0], &background, sizeof(background)), sizeof(background));
        ck_assert_int_eq(background.session, background.pid);
        ck_assert_int_ne(background.session, background.starters_session);
        ck_assert_str_eq(background.directory, "/");
        for (int i = 0; i < 3; i++)
                ck_assert_uint_eq(background.streams[i], makedev(1, 3)); /* /dev/null */
}
END_TEST

START_TEST(whoever_reads_the_starters_output_sees_its_end)
{
        /* As $(kyron-iod) would: the background must not hold the pipe. */
        int output[2];

        ck_assert_int_eq(pipe2(output, O_CLOEXEC | O_NONBLOCK), 0);
        ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
        ck_assert_int_eq(pipe2(told, O_CLOEXEC), 0);
        starter = fork();
        ck_assert_int_ge(starter, 0);
        if (starter == 0) {
                dup2(output[1], STDOUT_FILENO);
                dup2(output[1], STDERR_FILENO);
                close(output[1]);
                int ready_fd = background_start();

                background_ready(ready_fd);
                /* It stays until the test says so. */
                _exit(wait_readable(go[0], DEADLINE_MS) ? 0 : 1);
        }
        close(output[1]);
        ck_assert_int_eq(starters_exit_code(), 0);
        ck_assert(wait_readable(output[0], DEADLINE_MS));
        ck_assert_int_eq(read(output[0], &(char){0}, 1), 0);
        put_byte(go[1]);
}
END_TEST

TEST_SUITE(test_background)
{
        TCase *starting = tcase_create("starting");

        tcase_add_test(starting, the_starter_waits_until_the_daemon_serves);
        tcase_add_loop_test(starting, the_starter_is_told_that_the_daemon_did_not_come_up, 0, 2);
        tcase_add_test(starting, the_background_has_left_the_terminal_and_the_directory);
        tcase_add_test(starting, whoever_reads_the_starters_output_sees_its_end);
        tcase_set_timeout(starting, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, starting);
}
