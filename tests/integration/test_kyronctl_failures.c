/*
 * kyronctl when something is wrong: every exit status with its one line, an output that cannot be
 * written, users who may not, and daemons that answer nonsense.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/lying_daemon.h"
#include "tests/integration/raw_session.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

static TestDaemon daemon_process;
static KyronctlSetup setup;

static void start_daemon(void)
{
        test_daemon_start(&daemon_process, NULL);
        setup = (KyronctlSetup){.socket_path = daemon_process.socket_path};
}

static void stop_daemon(void)
{
        test_daemon_stop(&daemon_process);
}

/* ---- exit status 2 ------------------------------------------------------------------------- */

static const struct {
        const char *words[8];
        const char *text;
} mistakes[] = {
        {{"frobnicate"}, "there is no verb \"frobnicate\""},
        {{""}, "there is no verb \"\""},
        {{"sesions"}, "there is no verb \"sesions\"; is it sessions?"},
        {{"--sesion", "1"}, "there is no option --sesion; is it --session?"},
        {{"--jsn=yes"}, "there is no option --jsn=yes; is it --json?"},
        {{"status", "sessions"}, "status takes no argument \"sessions\""},
        {{"--frobnicate"}, "there is no option --frobnicate"},
        {{"-j"}, "there is no option -j"},
        {{"--json=yes"}, "takes no argument"},
        {{"--socket"}, "--socket needs an argument"},
        {{"--socket", ""}, "--socket takes a path"},
        {{"registrations", "--session"}, "--session needs an argument"},
        {{"registrations", "--session", "0"}, "--session takes a number"},
        {{"registrations", "--session", "-1"}, "--session takes a number"},
        {{"registrations", "--session", "1x"}, "--session takes a number"},
        {{"registrations", "--session", "99999999999999999999"}, "--session takes a number"},
        {{"sessions", "--session", "1"}, "--session goes with registrations"},
        {{"--private"}, "XDG_RUNTIME_DIR"},
        {{"pause"}, "pause takes LISTENER"},
        {{"resume", "web", "app"}, "resume takes no argument \"app\""},
        {{"reload", "now"}, "reload takes no argument \"now\""},
        {{"policy"}, "policy takes list | test USER ADDRESS [ACTION]"},
        {{"policy", "test", "root"}, "policy test takes USER ADDRESS [ACTION]"},
        {{"policy", "ask", "root", "web"}, "policy is followed by test or list, not by \"ask\""},
        {{"policy", "test", "root", "web", "sleep"}, "an action is listen, connect, bind"},
        {{"policy", "test", "root", "web", "hold", "on"}, "policy takes no argument \"on\""},
        {{"drain"}, "drain takes SESSION"},
        {{"drain", "web"}, "drain takes a session's number"},
        {{"drain", "0"}, "drain takes a session's number"},
        {{"drain", "1", "--timeout", "0"}, "--timeout takes seconds, 1 to 31536000"},
        {{"drain", "1", "--timeout", "31536001"}, "--timeout takes seconds"},
        {{"drain", "1", "--timeout", "1.5"}, "--timeout takes seconds"},
        {{"drain", "1", "--timeout", "5", "--undo"}, "--undo does not wait"},
        {{"drain", "1", "--session", "1"}, "--session goes with registrations, not with drain"},
        {{"pause", "web", "--timeout", "5"},
         "--timeout goes with monitor and drain, not with pause"},
        {{"pause", "web", "--undo"}, "--undo goes with drain, not with pause"},
        {{"drain", "1", "--of", "root"}, "--of goes with pause, resume and close, not with drain"},
        {{"pause", "web", "--of"}, "--of needs an argument"},
        {{"sessions", "--port", "80"},
         "--port goes with registrations, listeners, holds and waits"},
        {{"status", "--wide"}, "--wide goes with sessions, "},
        {{"version", "--sort", "pid"}, "--sort goes with sessions, "},
        {{"sessions", "--sort", "pid", "--json"}, "--sort goes with tables, not with --json"},
        {{"sessions", "--pid", "0"}, "--pid takes a process's number, not \"0\""},
        {{"listeners", "--port", "65536"}, "--port takes a number, 1 to 65535, not \"65536\""},
        {{"listeners", "--port", "http"}, "--port takes a number"},
        {{"sesions", "-h"}, "is it sessions?"},
};

START_TEST(mistakes_on_the_command_line_are_told)
{
        const KyronctlSetup none = {.socket_path = NULL};
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};

        unsetenv("XDG_RUNTIME_DIR");
        run = kyronctl_run(&none, mistakes[_i].words);
        kyronctl_run_failed(&run, 2, mistakes[_i].text);
}
END_TEST

START_TEST(another_users_runtime_directory_is_told)
{
        enum { NOBODY = 65534 };
        const KyronctlSetup none = {.socket_path = NULL};
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        char *directory = make_temp_dir();

        setenv("XDG_RUNTIME_DIR", directory, 1);
        if (geteuid() == 0) {
                ck_assert_int_eq(chown(directory, NOBODY, NOBODY), 0);
                run = RUN(&none, "--private", "status");
                kyronctl_run_failed(&run, 2, "is user 65534's, not yours");
                kyronctl_run_release(&run);
                ck_assert_int_eq(chown(directory, 0, 0), 0);
        }
        ck_assert_int_eq(chmod(directory, 0777), 0);
        run = RUN(&none, "--private", "status");
        kyronctl_run_failed(&run, 2, "may be written by others");
        remove_temp_dir(directory);
}
END_TEST

START_TEST(a_path_that_is_too_long_is_told)
{
        char path[200] = {'\0'};
        const KyronctlSetup too_long = {.socket_path = memset(path, 'x', sizeof(path) - 1)};
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&too_long, "status");

        kyronctl_run_failed(&run, 2, "at most 107 bytes");
}
END_TEST

/* ---- exit status 3 ------------------------------------------------------------------------- */

START_TEST(no_daemon_is_exit_status_3)
{
        CLEANUP(kyronctl_run_release) KyronctlRun no_file = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun no_socket = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun version = {.exit_status = -1};
        const KyronctlSetup missing = {.socket_path = "/nonexistent/socket"};
        const KyronctlSetup wrong = {.socket_path = "/dev/null"};

        no_file = RUN(&missing, "sessions");
        kyronctl_run_failed(&no_file, 3,
                            "no daemon: start kyron-iod; there is no /nonexistent/socket");
        no_socket = RUN(&wrong, NULL);
        kyronctl_run_failed(&no_socket, 3, "no daemon: start kyron-iod; nobody serves /dev/null");

        version = RUN(&missing, "version");
        ck_assert_int_eq(version.exit_status, 3);
        ck_assert_str_eq(version.out, "kyronctl   " PACKAGE_VERSION ", protocol version 1\n");
        ck_assert_ptr_nonnull(strstr(version.err, "no daemon"));
}
END_TEST

START_TEST(a_daemon_that_does_not_answer_is_exit_status_3)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};

        test_daemon_pause(&daemon_process);
        run = RUN(&setup, "status");
        test_daemon_resume(&daemon_process);
        kyronctl_run_failed(&run, 3, "has not answered within 5 s");
}
END_TEST

/* ---- exit statuses 4 and 5 ----------------------------------------------------------------- */

START_TEST(a_socket_out_of_reach_is_exit_status_4)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        KyronctlSetup other = setup;

        /* Root passes every door: it needs to become somebody else. */
        other.as_another_user = geteuid() == 0;
        ck_assert_int_eq(chmod(daemon_process.directory, geteuid() == 0 ? 0700 : 0), 0);
        run = RUN(&other, "status");
        ck_assert_int_eq(chmod(daemon_process.directory, 0700), 0);
        if (run.exit_status == 126)
                SKIP_TEST("other users may not run %s", kyronctl_program());
        kyronctl_run_failed(&run, 4, "may not connect");
}
END_TEST

START_TEST(a_socket_served_by_somebody_else_is_exit_status_4)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        CLEANUP(cleanup_close) int listener = -1;
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        const KyronctlSetup elsewhere = {.socket_path = address.sun_path};
        char *directory;

        if (geteuid() != 0)
                SKIP_TEST("needs root");
        listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        directory = make_temp_dir();
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        /* Who listens is who is seen to serve. */
        ck_assert_int_eq(seteuid(12345), 0);
        ck_assert_int_eq(listen(listener, 1), 0);
        ck_assert_int_eq(seteuid(0), 0);
        run = RUN(&elsewhere, "status");
        remove_temp_dir(directory);
        kyronctl_run_failed(&run, 4, "is served by user 12345");
}
END_TEST

START_TEST(users_see_their_own_sessions_only)
{
        CLEANUP(kyronctl_run_release) KyronctlRun status = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun sessions = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun registrations = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun denied = {.exit_status = -1};
        KyronctlSetup other = setup;
        DaemonConnection connection;
        char number[32];
        int fds[2];

        if (geteuid() != 0)
                SKIP_TEST("needs root");
        ck_assert_int_eq(chmod(daemon_process.directory, 0755), 0);
        other.as_another_user = true;
        status = RUN(&other, "status");
        if (status.exit_status == 126 || status.exit_status == 4)
                SKIP_TEST("other users may not reach %s or the socket", kyronctl_program());
        kyronctl_run_succeeded(&status);

        pipe_pair(fds);
        connection = raw_session_open(&daemon_process, "private");
        raw_session_add_source(&connection, 0, fds[0], READINESS_READABLE);
        raw_session_settle(&connection);
        snprintf(number, sizeof(number), "%" PRIu64, connection.session);
        sessions = RUN(&other, "sessions", "--json");
        ck_assert_str_eq(sessions.out, "[]\n");
        registrations = RUN(&other, "registrations", "--json");
        ck_assert_str_eq(registrations.out, "[]\n");
        denied = RUN(&other, "registrations", "--session", number);
        kyronctl_run_failed(&denied, 4, "another user's");
        close(connection.fd);
        close(fds[0]);
        close(fds[1]);
}
END_TEST

START_TEST(a_session_that_is_not_there_is_exit_status_5)
{
        CLEANUP(kyronctl_run_release)
        KyronctlRun run = RUN(&setup, "registrations", "--session", "4711");

        kyronctl_run_failed(&run, 5, "there is no session 4711");
}
END_TEST

/* ---- exit status 1 ------------------------------------------------------------------------- */

START_TEST(an_output_that_cannot_be_written_is_exit_status_1)
{
        static const char *const verbs[] = {"status", "sessions", "--json", "--help"};
        DaemonConnection connection = raw_session_open(&daemon_process, "full disk");
        KyronctlSetup full = setup, closed = setup;

        full.output_path = "/dev/full";
        closed.without_output = true;
        for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
                CLEANUP(kyronctl_run_release) KyronctlRun on_full = RUN(&full, verbs[i]);
                CLEANUP(kyronctl_run_release) KyronctlRun on_closed = RUN(&closed, verbs[i]);

                kyronctl_run_failed(&on_full, 1, "standard output: No space left on device");
                kyronctl_run_failed(&on_closed, 1, "standard output: Bad file descriptor");
        }
        close(connection.fd);
}
END_TEST

START_TEST(without_an_output_the_daemon_does_not_get_it)
{
        enum { MANY = 100 };
        CLEANUP(cleanup_json) json_t *status = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun status_run = {.exit_status = -1};
        DaemonConnection connections[MANY];
        KyronctlSetup closed = setup;

        /* More than a buffer of output: it is written while kyronctl is connected. */
        for (size_t i = 0; i < MANY; i++)
                connections[i] = raw_session_open(&daemon_process, "one of many");
        closed.without_output = true;
        run = RUN(&closed, "sessions", "--json");
        kyronctl_run_failed(&run, 1, "standard output");
        status_run = RUN(&setup, "--json");
        status = kyronctl_run_json(&status_run);
        kyronctl_json_check_number(status, "refusals", 0);
        for (size_t i = 0; i < MANY; i++)
                close(connections[i].fd);
}
END_TEST

/* Asks a lying daemon. */
static void check_lie(const Lie *lie, const char *verb, int exit_status, const char *text)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        LyingDaemon liar;
        KyronctlSetup lied_to;

        lying_daemon_start(&liar, lie);
        lied_to = (KyronctlSetup){.socket_path = liar.socket_path};
        run = RUN(&lied_to, verb);
        lying_daemon_stop(&liar);
        kyronctl_run_failed(&run, exit_status, text);
}

START_TEST(an_answer_to_something_else_is_an_error)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Sessions sessions = IOD__SESSIONS__INIT;
        const Lie wrong_body = {.answer = &frame};
        const Lie wrong_sequence = {.answer = &frame, .sequence_offset = 1};
        const Lie no_frame = {.bytes = "\377\377\377"};
        const Lie silence = {.answer = NULL};
        const Lie other_version = {.version = 2};

        frame.body_case = IOD__FRAME__BODY_SESSIONS;
        frame.sessions = &sessions;
        check_lie(&wrong_body, "status", 1, "answered get_status with sessions");
        check_lie(&wrong_sequence, "sessions", 1, "the answer to another request");
        check_lie(&no_frame, "status", 1, "not a frame");
        check_lie(&silence, "status", 3, "closed the connection");
        check_lie(&other_version, "status", 1, "protocol version 2");
}
END_TEST

START_TEST(a_refusal_is_told_in_printable_characters)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused refused = IOD__REFUSED__INIT;
        const Lie lie = {.answer = &frame};

        refused.error = EOPNOTSUPP;
        refused.text = (char *)"not \033[7mtoday\n";
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &refused;
        check_lie(&lie, "status", 1, "not ?[7mtoday?\n");
}
END_TEST

START_TEST(names_are_shown_in_printable_characters)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Sessions sessions = IOD__SESSIONS__INIT;
        Iod__SessionEntry session = IOD__SESSION_ENTRY__INIT;
        Iod__SessionEntry *entries[] = {&session};
        const Lie lie = {.answer = &frame};
        LyingDaemon liar;
        KyronctlSetup lied_to;

        session.session = 5;
        session.program = (char *)"\033]0;name\a";
        sessions.entry = entries;
        sessions.n_entry = 1;
        frame.body_case = IOD__FRAME__BODY_SESSIONS;
        frame.sessions = &sessions;
        lying_daemon_start(&liar, &lie);
        lied_to = (KyronctlSetup){.socket_path = liar.socket_path, .terminal_columns = 80};
        run = RUN(&lied_to, "sessions");
        lying_daemon_stop(&liar);
        kyronctl_run_succeeded(&run);
        ck_assert_ptr_nonnull(strstr(run.out, " ?]0;name? "));
}
END_TEST

static Iod__Registrations *lied; /* in the answer */

/* There are no sessions that wait themselves. */
static bool reply_with_registrations(int fd, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Sessions sessions = IOD__SESSIONS__INIT;

        if (request->body_case == IOD__FRAME__BODY_LIST_SESSIONS) {
                frame.body_case = IOD__FRAME__BODY_SESSIONS;
                frame.sessions = &sessions;
        } else {
                frame.body_case = IOD__FRAME__BODY_REGISTRATIONS;
                frame.registrations = lied;
        }
        return lying_daemon_answer(fd, request, &frame);
}

START_TEST(pages_that_lead_nowhere_end_in_an_error)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Sessions sessions = IOD__SESSIONS__INIT;
        Iod__Registrations registrations = IOD__REGISTRATIONS__INIT;
        Iod__SessionEntry session = IOD__SESSION_ENTRY__INIT;
        Iod__SessionEntry *session_entries[] = {&session, &session};
        Iod__RegistrationEntry registration = IOD__REGISTRATION_ENTRY__INIT;
        Iod__RegistrationEntry *registration_entries[] = {&registration};
        const Lie lie = {.answer = &frame};
        const Lie another = {.reply = reply_with_registrations};

        frame.body_case = IOD__FRAME__BODY_SESSIONS;
        frame.sessions = &sessions;
        sessions.more = true;
        check_lie(&lie, "sessions", 1, "a page that leads nowhere");
        session.session = 5;
        sessions.entry = session_entries;
        sessions.n_entry = 2;
        check_lie(&lie, "sessions", 1, "sessions out of order");
        check_lie(&lie, "registrations", 1, "sessions out of order");

        lied = &registrations;
        registrations.next_session = 7;
        registrations.next_slot = 3;
        check_lie(&another, "registrations", 1, "a page that leads nowhere");
        registration.session = 9;
        registrations.entry = registration_entries;
        registrations.n_entry = 1;
        check_lie(&another, "registrations", 1, "a page that leads nowhere");
        registrations.next_session = 10;
        check_lie(&another, "registrations", 1, "registrations out of order");
}
END_TEST

TEST_SUITE(test_kyronctl_failures)
{
        TCase *alone = tcase_create("no daemon");
        TCase *served = tcase_create("a daemon");

        tcase_set_timeout(alone, TEST_TIMEOUT_SECONDS);
        tcase_add_loop_test(alone, mistakes_on_the_command_line_are_told, 0,
                            sizeof(mistakes) / sizeof(mistakes[0]));
        tcase_add_test(alone, another_users_runtime_directory_is_told);
        tcase_add_test(alone, a_path_that_is_too_long_is_told);
        tcase_add_test(alone, no_daemon_is_exit_status_3);
        tcase_add_test(alone, a_socket_served_by_somebody_else_is_exit_status_4);
        tcase_add_test(alone, an_answer_to_something_else_is_an_error);
        tcase_add_test(alone, a_refusal_is_told_in_printable_characters);
        tcase_add_test(alone, names_are_shown_in_printable_characters);
        tcase_add_test(alone, pages_that_lead_nowhere_end_in_an_error);
        suite_add_tcase(suite, alone);

        tcase_set_timeout(served, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(served, start_daemon, stop_daemon);
        tcase_add_test(served, a_daemon_that_does_not_answer_is_exit_status_3);
        tcase_add_test(served, a_socket_out_of_reach_is_exit_status_4);
        tcase_add_test(served, users_see_their_own_sessions_only);
        tcase_add_test(served, a_session_that_is_not_there_is_exit_status_5);
        tcase_add_test(served, an_output_that_cannot_be_written_is_exit_status_1);
        tcase_add_test(served, without_an_output_the_daemon_does_not_get_it);
        suite_add_tcase(suite, served);
}
