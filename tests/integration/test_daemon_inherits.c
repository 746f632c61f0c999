/*
 * What whoever started kyron-iod left in its process: signals that are ignored or blocked, timers,
 * standard descriptors that are closed, others that are open, a umask, a limit of file sizes. None
 * of it decides how it serves.
 */
#include "client/kyron.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/program.h"
#include "tests/support/raw_client.h"
#include "tests/support/scale.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATH_SIZE = 256 };

static Program daemon_program;
static char *directory;
static char socket_path[PATH_SIZE];

static void set_up(void)
{
        directory = program_make_directory(socket_path, sizeof(socket_path));
}

static void tear_down(void)
{
        remove_temp_dir(directory);
}

/* The process that serves, by its own word. */
static pid_t serving_pid(void)
{
        static RawClient client;
        pid_t pid;

        raw_client_open(&client, socket_path);
        pid = raw_client_status(&client)->pid;
        raw_client_close(&client);
        return pid;
}

/* Starts it without --foreground, and returns the process that serves. */
static pid_t start_in_background(void (*prepare)(void))
{
        program_adopt_orphans();
        ck_assert_msg(PROGRAM_RUN(&daemon_program, prepare, "--config", "/dev/null", "--socket",
                                  socket_path) == 0,
                      "%s", daemon_program.err);
        return serving_pid();
}

static void stop_in_background(pid_t pid)
{
        int status;

        ck_assert_int_eq(kill(pid, SIGTERM), 0);
        ck_assert(wait_exit(pid, DEADLINE_MS, &status));
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%#x", status);
        ck_assert_int_lt(access(socket_path, F_OK), 0);
}

/* ---- signals ---- */

static int signal_number;

static void ignore_signal(void)
{
        signal(signal_number, SIG_IGN);
}

static void block_signal(void)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, signal_number);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void block_all(void)
{
        sigset_t all;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, NULL);
}

static void (*const signal_states[])(void) = {ignore_signal, block_signal, block_all};
static const int stopping[] = {SIGTERM, SIGINT};

enum {
        SIGNAL_STATES = sizeof(signal_states) / sizeof(signal_states[0]),
        STOPPING = sizeof(stopping) / sizeof(stopping[0]),
};

START_TEST(what_stops_it_does_so_though_it_was_ignored_or_blocked)
{
        signal_number = stopping[_i % STOPPING];
        program_serve(&daemon_program, socket_path, signal_states[_i / STOPPING]);
        ck_assert_int_eq(kill(daemon_program.pid, signal_number), 0);
        ck_assert_int_eq(program_wait(&daemon_program), 0);
        ck_assert_int_lt(access(socket_path, F_OK), 0);
}
END_TEST

static uint64_t bit(int number)
{
        return UINT64_C(1) << (number - 1);
}

/* The signals in the process's line of that name in /proc/PID/status. */
static uint64_t signal_mask(pid_t pid, const char *name)
{
        char path[64], line[256], format[32];
        unsigned long long mask = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
        snprintf(format, sizeof(format), "%s: %%llx", name);
        file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file)) {
                if (sscanf(line, format, &mask) == 1)
                        break;
        }
        fclose(file);
        /* Without those that the C library uses when it likes. */
        for (int number = 32; number < SIGRTMIN; number++)
                mask &= ~bit(number);
        return mask;
}

static void ignore_all(void)
{
        for (int number = 1; number <= SIGRTMAX; number++)
                signal(number, SIG_IGN);
}

static void ignore_and_block_all(void)
{
        ignore_all();
        block_all();
}

static void leave_none(void)
{
}

START_TEST(its_signals_are_the_same_whoever_started_it)
{
        static void (*const states[])(void) = {leave_none, ignore_all, block_all,
                                               ignore_and_block_all};
        pid_t pid;

        program_serve(&daemon_program, socket_path, states[_i]);
        pid = daemon_program.pid;
        ck_assert_uint_eq(signal_mask(pid, "SigIgn"), bit(SIGPIPE) | bit(SIGXFSZ));
        ck_assert_uint_eq(signal_mask(pid, "SigCgt"), bit(SIGHUP) | bit(SIGINT) | bit(SIGABRT) |
                                                              bit(SIGUSR2) | bit(SIGTERM) |
                                                              bit(SIGRTMIN));
        /* More, while it starts a thread. */
        ck_assert(WAIT_UNTIL(signal_mask(pid, "SigBlk") == bit(SIGRTMIN), DEADLINE_MS));
        program_stop(&daemon_program);
}
END_TEST

static void leave_an_alarm(void)
{
        const struct itimerval soon = {.it_value = {.tv_usec = 1000}};

        signal(SIGALRM, SIG_IGN);
        setitimer(ITIMER_REAL,
                  &(struct itimerval){.it_interval = soon.it_value, .it_value = soon.it_value},
                  NULL);
}

START_TEST(a_timer_of_who_started_it_does_not_end_it)
{
        program_serve(&daemon_program, socket_path, leave_an_alarm);
        /* Some of its periods. */
        for (int i = 0; i < 20; i++)
                ck_assert(program_serves(socket_path));
        program_stop(&daemon_program);
}
END_TEST

/* ---- descriptors ---- */

static int closed_mask;

static void close_standard(void)
{
        for (int fd = 0; fd < 3; fd++) {
                if (closed_mask & 1 << fd)
                        close(fd);
        }
}

START_TEST(closed_standard_descriptors_are_nothing_of_its_own)
{
        char path[64], target[PATH_SIZE];
        ssize_t n;

        closed_mask = _i;
        program_serve(&daemon_program, socket_path, close_standard);
        for (int fd = 0; fd < 3; fd++) {
                if (!(closed_mask & 1 << fd))
                        continue;
                snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)daemon_program.pid, fd);
                n = readlink(path, target, sizeof(target) - 1);
                ck_assert_int_gt(n, 0);
                target[n] = '\0';
                ck_assert_str_eq(target, "/");
        }
        program_stop(&daemon_program);
}
END_TEST

START_TEST(in_the_background_closed_standard_descriptors_do_not_matter)
{
        closed_mask = _i;
        stop_in_background(start_in_background(close_standard));
}
END_TEST

static char lock_path[PATH_SIZE];
static int left_pipe[2];

static void leave_descriptors(void)
{
        int fd = open(lock_path, O_RDWR | O_CREAT, 0600);

        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || dup2(fd, 900) < 0 ||
            dup2(left_pipe[1], 7) < 0)
                _exit(126);
}

START_TEST(in_the_background_it_keeps_nothing_that_was_open)
{
        int lock;
        pid_t pid;
        char byte;

        snprintf(lock_path, sizeof(lock_path), "%s/lock", directory);
        pipe_pair(left_pipe);
        pid = start_in_background(leave_descriptors);
        close(left_pipe[1]);
        lock = open(lock_path, O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(lock, 0);
        ck_assert_int_eq(flock(lock, LOCK_EX | LOCK_NB), 0);
        ck_assert_int_eq(read(left_pipe[0], &byte, 1), 0);
        close(left_pipe[0]);
        close(lock);
        stop_in_background(pid);
}
END_TEST

START_TEST(in_the_foreground_a_lock_that_was_left_is_kept)
{
        int lock;

        snprintf(lock_path, sizeof(lock_path), "%s/lock", directory);
        pipe_pair(left_pipe);
        program_serve(&daemon_program, socket_path, leave_descriptors);
        lock = open(lock_path, O_RDWR | O_CLOEXEC);
        ck_assert_int_lt(flock(lock, LOCK_EX | LOCK_NB), 0);
        program_stop(&daemon_program);
        ck_assert_int_eq(flock(lock, LOCK_EX | LOCK_NB), 0);
        close(lock);
        close(left_pipe[0]);
        close(left_pipe[1]);
}
END_TEST

static void on_read(KyronOperation *operation)
{
        *(bool *)operation->user = true;
}

/* A program without standard descriptors that writes to them all the same. */
static _Noreturn void be_such_a_program(void)
{
        KyronIoDriverHandle *handle;
        KyronOptions options = {.socket_path = socket_path};
        KyronBridgedFd *bridged;
        bool is_read = false;
        KyronOperation operation = {.completion = on_read, .user = &is_read};
        int pair[2];
        char byte;

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pair);
        for (int fd = 0; fd < 3; fd++)
                close(fd);
        if (kyron_io_driver_handle_open(&handle, &options) < 0)
                _exit(1);
        for (int fd = 0; fd < 3; fd++) {
                if (write(fd, "nonsense", 8) >= 0 || errno != EBADF)
                        _exit(2);
                close(fd);
        }
        if (kyron_bridged_fd_new(&bridged, handle, pair[0]) < 0 ||
            kyron_bridged_fd_read(bridged, &operation, &byte, 1) != KYRON_PENDING ||
            write(pair[1], "x", 1) != 1)
                _exit(3);
        while (!is_read) {
                if (kyron_io_driver_handle_process_io(handle, DEADLINE_MS) < 0)
                        _exit(4);
        }
        _exit(0);
}

START_TEST(a_program_without_standard_descriptors_does_not_write_to_the_daemon)
{
        int status;
        pid_t program;

        program_serve(&daemon_program, socket_path, NULL);
        program = fork();
        if (program == 0)
                be_such_a_program();
        ck_assert(wait_exit(program, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
        program_stop(&daemon_program);
}
END_TEST

/* ---- the umask, and limits ---- */

static const mode_t umasks[] = {022, 077, 0177, 0277, 0777};

enum { UMASKS = sizeof(umasks) / sizeof(umasks[0]) };

static mode_t mask;

static void have_a_private_directory(void)
{
        setenv("XDG_RUNTIME_DIR", directory, 1);
        setenv("XDG_CONFIG_HOME", directory, 1); /* root's is not nobody's to read */
        become_nobody();
        umask(mask);
}

static mode_t mode_of(const char *path)
{
        struct stat file;

        ck_assert_int_eq(lstat(path, &file), 0);
        return file.st_mode;
}

START_TEST(a_private_instance_makes_its_directory_whatever_the_umask)
{
        char made[PATH_SIZE];

        mask = umasks[_i];
        snprintf(made, sizeof(made), "%s/kyron-iod", directory);
        snprintf(socket_path, sizeof(socket_path), "%s/kyron-iod/socket", directory);
        program_start(&daemon_program,
                      (const char *const[]){"--user", "--foreground", "--log-level", "info", NULL},
                      have_a_private_directory);
        ck_assert(WAIT_UNTIL(program_has_said(&daemon_program, "serving") ||
                                     program_has_ended(&daemon_program),
                             DEADLINE_MS));
        ck_assert_msg(program_has_said(&daemon_program, "serving"), "%s", daemon_program.err);
        ck_assert_uint_eq(mode_of(made), S_IFDIR | 0700);
        ck_assert_uint_eq(mode_of(socket_path), S_IFSOCK | 0600);
        program_stop(&daemon_program);
        ck_assert_int_lt(access(made, F_OK), 0);
}
END_TEST

static rlim_t file_size, file_size_max;

static void limit_file_size(void)
{
        const struct rlimit limit = {.rlim_cur = file_size, .rlim_max = file_size_max};

        if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
                _exit(126);
}

/* What it logs is read from a pipe: files take nothing. */
static void limit_file_size_and_log_to_pipe(void)
{
        limit_file_size();
        if (dup2(left_pipe[1], STDERR_FILENO) < 0)
                _exit(126);
}

START_TEST(a_limit_of_file_sizes_does_not_end_it)
{
        char log[1024] = "";
        size_t length = 0;

        if (BUILT_WITH_SANITIZER)
                SKIP_TEST("a sanitizer may need files in memory");
        file_size = file_size_max = 0;
        pipe_pair(left_pipe);
        program_serve(&daemon_program, socket_path, limit_file_size_and_log_to_pipe);
        ck_assert_int_eq(kill(daemon_program.pid, SIGUSR2), 0);
        while (!strstr(log, "not handed over")) {
                ssize_t n;

                ck_assert(wait_readable(left_pipe[0], DEADLINE_MS));
                n = read(left_pipe[0], log + length, sizeof(log) - 1 - length);
                ck_assert_int_gt(n, 0);
                length += (size_t)n;
        }
        ck_assert_msg(strstr(log, "the limit of file sizes (RLIMIT_FSIZE) is 0 bytes"), "%s", log);
        ck_assert(program_serves(socket_path));
        program_stop(&daemon_program);
}
END_TEST

START_TEST(a_soft_limit_of_file_sizes_is_raised)
{
        if (BUILT_WITH_SANITIZER)
                SKIP_TEST("a sanitizer may need files in memory");
        file_size = 0;
        file_size_max = RLIM_INFINITY;
        program_serve(&daemon_program, socket_path, limit_file_size);
        program_stop(&daemon_program);
        ck_assert_str_eq(daemon_program.err, "");
}
END_TEST

static rlim_t stack, stack_max;

static void limit_stack(void)
{
        const struct rlimit limit = {.rlim_cur = stack, .rlim_max = stack_max};

        if (setrlimit(RLIMIT_STACK, &limit) < 0)
                _exit(126);
}

START_TEST(a_soft_limit_of_the_stack_is_raised)
{
        static RawClient client;

        stack = 64 * 1024;
        stack_max = RLIM_INFINITY;
        program_serve(&daemon_program, socket_path, limit_stack);
        raw_client_open(&client, socket_path);
        raw_client_status(&client);
        raw_client_close(&client);
        program_stop(&daemon_program);
        ck_assert_str_eq(daemon_program.err, "");
}
END_TEST

START_TEST(a_stack_that_is_too_small_is_said)
{
        stack = stack_max = 512 * 1024;
        program_expect_failure(socket_path, limit_stack,
                               "the limit of the stack (RLIMIT_STACK) is 524288 bytes: 1048576 is "
                               "the least");
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_unchecked_fixture(tcase, program_adopt_orphans, program_end_orphans);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
        return tcase;
}

TEST_SUITE(test_daemon_inherits)
{
        TCase *signals = add_case(suite, "signals");
        TCase *descriptors = add_case(suite, "descriptors");
        TCase *limits = add_case(suite, "limits");

        tcase_add_loop_test(signals, what_stops_it_does_so_though_it_was_ignored_or_blocked, 0,
                            SIGNAL_STATES * STOPPING);
        tcase_add_loop_test(signals, its_signals_are_the_same_whoever_started_it, 0, 4);
        tcase_add_test(signals, a_timer_of_who_started_it_does_not_end_it);

        tcase_add_loop_test(descriptors, closed_standard_descriptors_are_nothing_of_its_own, 1, 8);
        tcase_add_loop_test(descriptors,
                            in_the_background_closed_standard_descriptors_do_not_matter, 1, 8);
        tcase_add_test(descriptors, in_the_background_it_keeps_nothing_that_was_open);
        tcase_add_test(descriptors, in_the_foreground_a_lock_that_was_left_is_kept);

        tcase_add_test(descriptors,
                       a_program_without_standard_descriptors_does_not_write_to_the_daemon);

        tcase_add_loop_test(limits, a_private_instance_makes_its_directory_whatever_the_umask, 0,
                            UMASKS);
        tcase_add_test(limits, a_limit_of_file_sizes_does_not_end_it);
        tcase_add_test(limits, a_soft_limit_of_file_sizes_is_raised);
        tcase_add_test(limits, a_soft_limit_of_the_stack_is_raised);
        tcase_add_test(limits, a_stack_that_is_too_small_is_said);
}
