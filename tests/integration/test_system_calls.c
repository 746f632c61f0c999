/*
 * A filter of system calls: what the daemon cannot do without is named when it starts, of what it
 * can it says what is lost, and it never serves half of it without a word.
 */
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/program.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH_SIZE = 256 };

static Program daemon_program;
static char *directory;
static char socket_path[PATH_SIZE];

static void set_up(void)
{
        directory = make_temp_dir();
        snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
}

static void tear_down(void)
{
        remove_temp_dir(directory);
}

static long refused_call;
static int refused_with;

/* As systemd does it, for this call alone. */
static int install_filter(void)
{
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)refused_call, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)refused_with),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = {
                .len = sizeof(filter) / sizeof(filter[0]),
                .filter = filter,
        };

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -1;
        return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void refuse_call(void)
{
        if (install_filter() < 0)
                _exit(126);
}

/* Whether there are filters here, in a process that it does no harm to. */
static bool can_filter(void)
{
        int status = 0;
        pid_t child = fork();

        if (child == 0)
                _exit(install_filter() < 0);
        return wait_exit(child, DEADLINE_MS, &status) && status == 0;
}

static const int errors[] = {EPERM, ENOSYS, EACCES};

enum { ERRORS = sizeof(errors) / sizeof(errors[0]) };

/* ---- needed -------------------------------------------------------------------------------- */

static const struct {
        const char *name;
        long number;
} needed[] = {
        {"accept4", SYS_accept4},
        {"dup3", SYS_dup3},
        {"epoll_create1", SYS_epoll_create1},
        {"eventfd2", SYS_eventfd2},
        {"getsockname", SYS_getsockname},
        {"getsockopt", SYS_getsockopt},
        {"setsockopt", SYS_setsockopt},
        {"shutdown", SYS_shutdown},
        {"statx", SYS_statx},
        {"clone3", SYS_clone3},
};

enum { NEEDED = sizeof(needed) / sizeof(needed[0]) };

START_TEST(what_is_needed_is_named_and_it_does_not_start)
{
        refused_call = needed[_i / ERRORS].number;
        refused_with = errors[_i % ERRORS];
        if (!can_filter())
                SKIP_TEST("no filters of system calls: %s", strerror(errno));
        /* The C library has another way where there is none. */
        if (refused_call == SYS_clone3 && refused_with == ENOSYS) {
                program_serve(&daemon_program, socket_path, refuse_call);
                program_stop(&daemon_program);
                return;
        }
        program_expect_failure(socket_path, refuse_call,
                               "the system call %s is needed: %s: is it filtered "
                               "(SystemCallFilter=)?",
                               needed[_i / ERRORS].name, strerror(refused_with));
        ck_assert_int_lt(access(socket_path, F_OK), 0);
}
END_TEST

/* ---- done without -------------------------------------------------------------------------- */

static const struct {
        const char *name;
        long number;
        const char *without;
} lost[] = {
        {"memfd_create", SYS_memfd_create, "nothing outlives this daemon, SIGUSR2 does not"},
        {"mincore", SYS_mincore, "no pulses are shown"},
        {"process_vm_readv", SYS_process_vm_readv, "no pulses are shown"},
        {"pidfd_open", SYS_pidfd_open, "SIGUSR2 does not hand over"},
        {"waitid", SYS_waitid, "SIGUSR2 does not hand over"},
        {"readlinkat", SYS_readlinkat,
         "timerfds, inotify, pidfds and perhaps eventfds are not waited for"},
};

enum { LOST = sizeof(lost) / sizeof(lost[0]) };

START_TEST(what_is_lost_without_one_is_said_and_the_rest_is_served)
{
        char expected[256];

        refused_call = lost[_i / ERRORS].number;
        refused_with = errors[_i % ERRORS];
        if (!can_filter())
                SKIP_TEST("no filters of system calls: %s", strerror(errno));
        program_serve(&daemon_program, socket_path, refuse_call);
        snprintf(expected, sizeof(expected), "warning: without the system call %s (%s) %s",
                 lost[_i / ERRORS].name, strerror(refused_with), lost[_i / ERRORS].without);
        program_await_said(&daemon_program, expected);
        if (strstr(expected, "SIGUSR2")) {
                ck_assert_int_eq(kill(daemon_program.pid, SIGUSR2), 0);
                program_await_said(&daemon_program, "not handed over, this program goes on");
                ck_assert(program_serves(socket_path));
        }
        program_stop(&daemon_program);
}
END_TEST

/* Some that it asks for and does as well without. */
static const long optional[] = {
        SYS_close_range,        SYS_sched_setattr, SYS_sched_getattr, SYS_setpriority,
        SYS_sched_setscheduler, SYS_setitimer,     SYS_execveat,      SYS_umask,
#ifdef SYS_epoll_pwait2
        SYS_epoll_pwait2,
#endif
};

enum { OPTIONAL = sizeof(optional) / sizeof(optional[0]) };

START_TEST(what_is_no_loss_is_not_mentioned)
{
        refused_call = optional[_i / ERRORS];
        refused_with = errors[_i % ERRORS];
        if (!can_filter())
                SKIP_TEST("no filters of system calls: %s", strerror(errno));
        program_serve(&daemon_program, socket_path, refuse_call);
        program_stop(&daemon_program);
        ck_assert_str_eq(daemon_program.err, "");
}
END_TEST

TEST_SUITE(test_system_calls)
{
        TCase *tcase = tcase_create("filtered");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_loop_test(tcase, what_is_needed_is_named_and_it_does_not_start, 0,
                            NEEDED * ERRORS);
        tcase_add_loop_test(tcase, what_is_lost_without_one_is_said_and_the_rest_is_served, 0,
                            LOST * ERRORS);
        tcase_add_loop_test(tcase, what_is_no_loss_is_not_mentioned, 0, OPTIONAL * ERRORS);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
}
