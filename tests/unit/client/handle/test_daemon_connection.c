/* Finding the daemon, making sure who it is, and being welcomed; each way to fail by its error. */
#include "client/handle/daemon_connection.h"

#include "proto/frame.h"
#include "proto/frame_socket.h"
#include "tests/support/client.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534, SOMEBODY = 65533 };

static char *directory;
static char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
static DaemonConnection connection;

static void set_up(void)
{
        signal(SIGPIPE, SIG_IGN);
        directory = make_temp_dir();
        snprintf(path, sizeof(path), "%s/socket", directory);
}

static void tear_down(void)
{
        remove_temp_dir(directory);
}

/* Fails to connect as it has to, and says so. */
static void check_failure(const char *socket_path, const char *program, int error,
                          const char *sentence)
{
        int r = daemon_connection_open(&connection, socket_path, program, false);

        ck_assert_msg(r == error, "%d (%s), not %d", r, error_text(), error);
        ck_assert_msg(strstr(error_text(), sentence) != NULL, "it says: %s", error_text());
}

static int listen_at(int type)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        strcpy(address.sun_path, path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(fd, 5), 0);
        return fd;
}

/* ---- Where ---------------------------------------------------------------------------------- */

START_TEST(the_path_comes_from_the_caller_or_the_environment_or_the_build)
{
        setenv("KYRON_SOCKET", "/from/environment", 1);
        ck_assert_str_eq(daemon_connection_path("/from/caller"), "/from/caller");
        ck_assert_str_eq(daemon_connection_path(NULL), "/from/environment");
        setenv("KYRON_SOCKET", "", 1);
        ck_assert_str_eq(daemon_connection_path(NULL), KYRON_DEFAULT_SOCKET);
        unsetenv("KYRON_SOCKET");
        ck_assert_str_eq(daemon_connection_path(NULL), KYRON_DEFAULT_SOCKET);
}
END_TEST

START_TEST(without_a_socket_there_is_no_daemon)
{
        check_failure(path, NULL, -ENOENT, "start kyron-iod");
        check_failure(path, NULL, -ENOENT, path);
}
END_TEST

START_TEST(a_socket_nobody_serves_is_refused)
{
        close(listen_at(SOCK_SEQPACKET));
        check_failure(path, NULL, -ECONNREFUSED, "nobody serves");
}
END_TEST

START_TEST(a_path_too_long_is_refused)
{
        char long_path[200];

        memset(long_path, 'x', sizeof(long_path) - 1);
        long_path[0] = '/';
        long_path[sizeof(long_path) - 1] = '\0';
        check_failure(long_path, NULL, -ENAMETOOLONG, "107");
}
END_TEST

START_TEST(a_socket_of_another_type_is_not_the_daemons)
{
        int fd = listen_at(SOCK_STREAM);

        check_failure(path, NULL, -EPROTO, "not kyron-iod's socket");
        close(fd);
}
END_TEST

/* ---- Who ----------------------------------------------------------------------------------- */

/* Runs a check as somebody, in a child. */
static void check_as(uid_t uid, void (*check)(void))
{
        int status;
        pid_t child;

        fflush(NULL);
        child = fork();
        if (child == 0) {
                if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
                        _exit(1);
                check();
                _exit(0);
        }
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
}

/* check's assertions do not reach the test from here. */
static void require_failure(int error, const char *sentence)
{
        int r = daemon_connection_open(&connection, path, NULL, false);

        if (r == error && strstr(error_text(), sentence))
                return;
        fprintf(stderr, "%d: %s\n", r, error_text());
        _exit(1);
}

static void connect_to_somebody_else(void)
{
        char sentence[64];

        snprintf(sentence, sizeof(sentence), "is served by user %d, not by root", NOBODY);
        require_failure(-EACCES, sentence);
}

START_TEST(a_daemon_of_somebody_else_is_not_trusted)
{
        int status, ready[2];
        pid_t server;

        if (geteuid() != 0)
                SKIP_TEST("it takes root to be two users");
        ck_assert_int_eq(chmod(directory, 0777), 0);
        pipe_pair(ready);
        fflush(NULL);
        server = fork();
        if (server == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (setresuid(NOBODY, NOBODY, NOBODY) < 0)
                        _exit(1);
                int fd = listen_at(SOCK_SEQPACKET);

                chmod(path, 0666);
                put_byte(ready[1]);
                for (;;)
                        close(accept(fd, NULL, NULL));
        }
        ck_assert(wait_readable(ready[0], DEADLINE_MS));
        check_as(SOMEBODY, connect_to_somebody_else);
        kill(server, SIGKILL);
        ck_assert(wait_exit(server, DEADLINE_MS, &status));
        close(ready[0]);
        close(ready[1]);
}
END_TEST

static void connect_from_another_namespace(void)
{
        /* Without a map, the program itself is shown as the same number. */
        if (unshare(CLONE_NEWUSER) < 0)
                _exit(2);
        require_failure(-EACCES, "is served from outside this user namespace");
        setenv("KYRON_DAEMON_UID", "65533", 1);
        require_failure(-EACCES, "KYRON_DAEMON_UID=65534");
        setenv("KYRON_DAEMON_UID", "65534x", 1);
        require_failure(-EACCES, "KYRON_DAEMON_UID=65534");
        /* What serves there is no daemon. */
        setenv("KYRON_DAEMON_UID", "65534", 1);
        require_failure(-EPROTO, "without a word");
}

START_TEST(a_daemon_of_another_user_namespace_is_trusted_where_the_program_is_told_so)
{
        pid_t server, child;
        int status;
        int fd = listen_at(SOCK_SEQPACKET);

        ck_assert_int_eq(chmod(path, 0666), 0);
        ck_assert_int_eq(chmod(directory, 0755), 0);
        fflush(NULL);
        server = fork();
        if (server == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        close(accept(fd, NULL, NULL));
        }
        child = fork();
        if (child == 0) {
                connect_from_another_namespace();
                _exit(0);
        }
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        kill(server, SIGKILL);
        ck_assert(wait_exit(server, DEADLINE_MS, NULL));
        close(fd);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
                SKIP_TEST("there may be no user namespaces here");
        ck_assert_int_eq(status, 0);
}
END_TEST

static void connect_without_permission(void)
{
        require_failure(-EACCES, "this user may not connect");
}

START_TEST(a_socket_that_may_not_be_connected_to_says_so)
{
        int fd = listen_at(SOCK_SEQPACKET);

        ck_assert_int_eq(chmod(path, 0), 0);
        if (geteuid() == 0) {
                ck_assert_int_eq(chmod(directory, 0755), 0);
                check_as(NOBODY, connect_without_permission);
        } else {
                check_failure(path, NULL, -EACCES, "this user may not connect");
        }
        close(fd);
}
END_TEST

START_TEST(a_directory_that_may_not_be_searched_says_so)
{
        int fd = listen_at(SOCK_SEQPACKET);

        ck_assert_int_eq(chmod(directory, 0), 0);
        if (geteuid() == 0)
                check_as(NOBODY, connect_without_permission);
        else
                check_failure(path, NULL, -EACCES, "this user may not connect");
        ck_assert_int_eq(chmod(directory, 0700), 0);
        close(fd);
}
END_TEST

/* ---- Welcome ------------------------------------------------------------------------------- */

/* What a stand-in for the daemon answers; size 0: it closes. */
typedef struct Answer {
        uint8_t bytes[FRAME_BYTES_MAX];
        size_t size;
        bool reads_first, with_descriptor;
} Answer;

static Answer answer;

/* Answers one connection and closes it. */
static pid_t stand_in(void)
{
        int fd = listen_at(SOCK_SEQPACKET);
        pid_t child;

        fflush(NULL);
        child = fork();
        if (child == 0) {
                uint8_t hello[1000];
                int client = accept(fd, NULL, NULL);

                if (answer.reads_first && recv(client, hello, sizeof(hello), 0) <= 0)
                        _exit(1);
                if (answer.size > 0)
                        frame_socket_send(client, answer.bytes, answer.size, &fd,
                                          answer.with_descriptor);
                _exit(0);
        }
        close(fd);
        return child;
}

static void check_answer(int error, const char *sentence)
{
        pid_t child = stand_in();
        size_t before = count_descriptors();

        check_failure(path, NULL, error, sentence);
        ck_assert_uint_eq(count_descriptors(), before);
        ck_assert(wait_exit(child, DEADLINE_MS, NULL));
}

static void answer_with(Iod__Frame *frame)
{
        int size = frame_encode(frame, answer.bytes);

        ck_assert_int_gt(size, 0);
        answer.size = (size_t)size;
        answer.reads_first = true;
        answer.with_descriptor = false;
}

static void answer_welcome(uint32_t version, uint32_t registrations_max)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Welcome welcome = IOD__WELCOME__INIT;

        welcome.version = version;
        welcome.registrations_max = registrations_max;
        frame.body_case = IOD__FRAME__BODY_WELCOME;
        frame.welcome = &welcome;
        answer_with(&frame);
}

static void answer_refused(int error, char *text)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused refused = IOD__REFUSED__INIT;

        refused.error = error;
        refused.text = text;
        refused.session_ends = true;
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &refused;
        answer_with(&frame);
}

START_TEST(a_welcome_is_taken_in)
{
        TestDaemon daemon;

        test_daemon_start(&daemon, NULL);
        ck_assert_int_eq(daemon_connection_open(&connection, daemon.socket_path, "name", false), 0);
        ck_assert_uint_ne(connection.epoch, 0);
        ck_assert_uint_ne(connection.session, 0);
        ck_assert_uint_eq(connection.registrations_max, 65536);
        ck_assert_str_eq(connection.release, PACKAGE_VERSION);
        close(connection.fd);
        test_daemon_stop(&daemon);
}
END_TEST

START_TEST(a_name_too_long_or_unprintable_is_refused)
{
        TestDaemon daemon;

        test_daemon_start(&daemon, NULL);
        check_failure(daemon.socket_path, "123456789012345678901234567890123", -EINVAL, "32");
        check_failure(daemon.socket_path, "bell\a", -EINVAL, "printable");
        ck_assert_int_eq(daemon_connection_open(&connection, daemon.socket_path,
                                                "12345678901234567890123456789012", false),
                         0);
        close(connection.fd);
        test_daemon_stop(&daemon);
}
END_TEST

START_TEST(past_the_limits_of_sessions_the_daemon_says_no)
{
        static const char *const limits[] = {"--max-sessions-per-user", "--max-sessions"};

        for (size_t i = 0; i < 2; i++) {
                const char *const options[] = {limits[i], "1", NULL};
                TestDaemon daemon;

                test_daemon_start(&daemon, options);
                /* The one that asked whether it serves may not have ended yet. */
                ck_assert(WAIT_UNTIL(
                        daemon_connection_open(&connection, daemon.socket_path, NULL, false) == 0,
                        DEADLINE_MS));
                int first = connection.fd;

                check_failure(daemon.socket_path, NULL, -EDQUOT, "1");
                close(first);
                test_daemon_stop(&daemon);
        }
}
END_TEST

START_TEST(a_daemon_of_another_version_is_not_spoken_to)
{
        answer_welcome(FRAME_PROTOCOL_VERSION + 1, 10);
        check_answer(-EPROTONOSUPPORT, "version 2");
}
END_TEST

START_TEST(a_daemon_that_does_not_speak_ours_says_so)
{
        answer_refused(EPROTONOSUPPORT, (char *)"version 1 is history");
        check_answer(-EPROTONOSUPPORT, "version 1 is history");
}
END_TEST

START_TEST(a_refusal_before_hello_was_read_is_understood)
{
        answer_refused(EDQUOT, (char *)"no room");
        answer.reads_first = false;
        check_answer(-EDQUOT, "no room");
}
END_TEST

START_TEST(a_welcome_without_registrations_is_nonsense)
{
        answer_welcome(FRAME_PROTOCOL_VERSION, 0);
        check_answer(-EPROTO, "welcome");
}
END_TEST

START_TEST(a_refusal_without_an_error_is_nonsense)
{
        answer_refused(0, (char *)"?");
        check_answer(-EPROTO, "refused");
}
END_TEST

START_TEST(bytes_that_are_no_frame_are_nonsense)
{
        answer = (Answer){.bytes = "\xff\xff\xff\xff", .size = 4, .reads_first = true};
        check_answer(-EPROTO, "");
}
END_TEST

START_TEST(descriptors_that_were_not_announced_are_nonsense)
{
        answer_welcome(FRAME_PROTOCOL_VERSION, 10);
        answer.with_descriptor = true;
        check_answer(-EPROTO, "descriptors");
}
END_TEST

START_TEST(a_pulse_that_was_not_asked_for_is_closed)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Welcome welcome = IOD__WELCOME__INIT;
        size_t before = count_descriptors();
        pid_t child;

        welcome.version = FRAME_PROTOCOL_VERSION;
        welcome.registrations_max = 10;
        welcome.pulse = true;
        frame.descriptors = 1;
        frame.body_case = IOD__FRAME__BODY_WELCOME;
        frame.welcome = &welcome;
        answer_with(&frame);
        answer.with_descriptor = true;
        child = stand_in();
        ck_assert_int_eq(daemon_connection_open(&connection, path, NULL, false), 0);
        ck_assert_int_eq(connection.pulse_fd, -1);
        close(connection.fd);
        ck_assert_uint_eq(count_descriptors(), before);
        ck_assert(wait_exit(child, DEADLINE_MS, NULL));
}
END_TEST

START_TEST(silence_before_the_end_is_nonsense)
{
        answer = (Answer){.reads_first = true};
        check_answer(-EPROTO, "without a word");
}
END_TEST

START_TEST(a_daemon_that_does_not_answer_is_given_five_seconds)
{
        int fd = listen_at(SOCK_SEQPACKET);
        Deadline too_late = deadline_in(2 * DAEMON_CONNECTION_TIMEOUT_MS);

        check_failure(path, NULL, -ETIMEDOUT, "5 s");
        ck_assert_int_gt(deadline_left(too_late), 0);
        close(fd);
}
END_TEST

TEST_SUITE(test_daemon_connection)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_add_test(all, the_path_comes_from_the_caller_or_the_environment_or_the_build);
        tcase_add_test(all, without_a_socket_there_is_no_daemon);
        tcase_add_test(all, a_socket_nobody_serves_is_refused);
        tcase_add_test(all, a_path_too_long_is_refused);
        tcase_add_test(all, a_socket_of_another_type_is_not_the_daemons);
        tcase_add_test(all, a_daemon_of_somebody_else_is_not_trusted);
        tcase_add_test(all,
                       a_daemon_of_another_user_namespace_is_trusted_where_the_program_is_told_so);
        tcase_add_test(all, a_socket_that_may_not_be_connected_to_says_so);
        tcase_add_test(all, a_directory_that_may_not_be_searched_says_so);
        tcase_add_test(all, a_welcome_is_taken_in);
        tcase_add_test(all, a_name_too_long_or_unprintable_is_refused);
        tcase_add_test(all, past_the_limits_of_sessions_the_daemon_says_no);
        tcase_add_test(all, a_daemon_of_another_version_is_not_spoken_to);
        tcase_add_test(all, a_daemon_that_does_not_speak_ours_says_so);
        tcase_add_test(all, a_refusal_before_hello_was_read_is_understood);
        tcase_add_test(all, a_welcome_without_registrations_is_nonsense);
        tcase_add_test(all, a_refusal_without_an_error_is_nonsense);
        tcase_add_test(all, bytes_that_are_no_frame_are_nonsense);
        tcase_add_test(all, descriptors_that_were_not_announced_are_nonsense);
        tcase_add_test(all, a_pulse_that_was_not_asked_for_is_closed);
        tcase_add_test(all, silence_before_the_end_is_nonsense);
        tcase_add_test(all, a_daemon_that_does_not_answer_is_given_five_seconds);
        suite_add_tcase(suite, all);
}
