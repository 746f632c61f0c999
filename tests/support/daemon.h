/*
 * A private kyron-iod for tests: the program that was built, in a directory of its own, stopped
 * and checked at the end. It dies with the process that started it, so a failing test leaves
 * nothing running. These end the test when something goes wrong, so most return no errors.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

typedef struct TestDaemon {
        pid_t pid;
        char *directory;
        char socket_path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
} TestDaemon;

/* The program: $KYRON_IOD, else $KYRON_BUILD_DIR/kyron-iod, else ./kyron-iod. */
const char *test_daemon_program(void);

/* Starts it and waits until it serves. options: more of its command line, up to a NULL; or NULL.
 * test_daemon_start_with() also sets one more environment variable. */
void test_daemon_start(TestDaemon *daemon, const char *const *options);
void test_daemon_start_with(TestDaemon *daemon, const char *const *options, const char *variable,
                            const char *value);

/* Stops it by SIGTERM: it has to exit with 0 and to leave nothing behind. */
void test_daemon_stop(TestDaemon *daemon);
/* Ends it by SIGKILL, and starts it again at the same path, with the same options. */
void test_daemon_crash(TestDaemon *daemon);
void test_daemon_start_again(TestDaemon *daemon, const char *const *options);
/* Ends it by SIGKILL, and removes its directory. */
void test_daemon_kill(TestDaemon *daemon);

/* SIGSTOP, until every thread of it has stopped; SIGCONT. */
void test_daemon_pause(const TestDaemon *daemon);
void test_daemon_resume(const TestDaemon *daemon);

/* How many descriptors it has open. */
size_t test_daemon_count_descriptors(const TestDaemon *daemon);
/* Whether it has this socket open, too. */
bool test_daemon_holds_socket(const TestDaemon *daemon, int borrow_fd);
/* Its resident memory, and another amount of /proc/PID/status by its name. */
size_t test_daemon_resident_kib(const TestDaemon *daemon);
size_t test_daemon_memory_kib(const TestDaemon *daemon, const char *what);
/* The processor time it has used. */
uint64_t test_daemon_cpu_ns(const TestDaemon *daemon);
