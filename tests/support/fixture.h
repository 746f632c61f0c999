/*
 * What most tests set up: a suite, pairs of connected descriptors, a directory of their own and a
 * way to skip. These end the test when the set-up itself fails, so most return no errors.
 * Descriptors are close-on-exec and the caller's.
 */
#pragma once

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
        /* For tcase_set_timeout(); longer than the longest DEADLINE_MS a test can add up to. */
        TEST_TIMEOUT_SECONDS = 60,
};

/*
 * The suite of a file, and named like it: TEST_SUITE(test_NAME) { what adds its cases to suite }. A
 * program has the suites of all its files and runs them, or those that CK_RUN_SUITE and CK_RUN_CASE
 * name. Its main() is in suite.c.
 */
#define TEST_SUITE(name)                                                                           \
        static void name(Suite *suite);                                                            \
        __attribute__((constructor)) static void add_##name(void)                                  \
        {                                                                                          \
                static TestSuite this_suite = {.title = #name, .add_cases = (name)};               \
                                                                                                   \
                add_test_suite(&this_suite);                                                       \
        }                                                                                          \
        static void name(Suite *suite)

typedef struct TestSuite TestSuite;
struct TestSuite {
        const char *title;
        void (*add_cases)(Suite *suite);
        TestSuite *next;
};
/* Lends it to main(). */
void add_test_suite(TestSuite *lent);

/* Two connected Unix sockets; type may carry SOCK_NONBLOCK. */
void unix_pair(int type, int fds[static 2]);
/* A loopback connection, [0] the connecting end, [1] the accepted one; both non-blocking. */
void tcp_pair(int fds[static 2]);
/* [0] reads, [1] writes; both non-blocking. */
void pipe_pair(int fds[static 2]);

/* A non-blocking SOCK_SEQPACKET listener under a free name that is no file. */
typedef struct TestListener {
        struct sockaddr_un address;
        socklen_t length;
        int fd;
} TestListener;
TestListener listen_unix(int backlog);
/* Connects without blocking; -errno when that fails. */
int connect_unix(const TestListener *listener);

/* Writes one byte. */
void put_byte(int borrow_fd);
/* Writes until EAGAIN and returns the bytes written; reads until EAGAIN or end of file. */
size_t fill(int borrow_fd);
size_t drain(int borrow_fd);

/* How many descriptors this process has open. */
size_t count_descriptors(void);

/* Lets this process open descriptor numbers below limit only. false when the kernel does not know
 * of it: valgrind keeps that limit itself, so what the kernel does there cannot be tested. */
bool limit_descriptors(int limit);
/* Back to what the hard limit allows; leak checkers need a descriptor at the end. */
void unlimit_descriptors(void);

/* A fresh directory under TMPDIR, writable by this user only. remove_temp_dir() removes it with
 * the files in it (it holds no directories) and frees the name. */
char *make_temp_dir(void);
void remove_temp_dir(char *take_path);

/* Ends the current test with success, loudly. */
#define SKIP_TEST(...)                                                                             \
        do {                                                                                       \
                report_skipped(__func__, __VA_ARGS__);                                             \
                return;                                                                            \
        } while (0)
void report_skipped(const char *test, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
