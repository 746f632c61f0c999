/*
 * kyronctl monitor: whatever happens is a line, at once and whole; of others only what they may
 * see; it outlives the daemon, ends as it is told to, and costs the daemon no more than its ring
 * when it does not read.
 */
#include "core/cleanup.h"
#include "daemon/tell/teller.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/lying_daemon.h"
#include "tests/integration/raw_session.h"
#include "tests/support/config_file.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/service_frames.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024, NOBODY = 65534, WORDS_MAX = 16 };

/* One that runs. */
typedef struct Running {
        pid_t pid;
        int out_fd;
        size_t size;
        char text[64 * 1024]; /* what was read and is not used yet */
        char line[LINE_MAX_BYTES];
} Running;

static TestDaemon kyron_iod;
static ConfigFile config;
static Running monitor;

static void set_up(void)
{
        test_daemon_start(&kyron_iod, NULL);
        monitor = (Running){.pid = -1, .out_fd = -1};
}

/* Whose user sees everything, root or not. */
static void set_up_private(void)
{
        config_file_make(&config);
        config_file_write(&config, "max-sessions = 100\n");
        test_daemon_start(&kyron_iod,
                          (const char *const[]){"--user", "--config", config.path, NULL});
        monitor = (Running){.pid = -1, .out_fd = -1};
}

static void end_monitor(void)
{
        if (monitor.pid > 0) {
                kill(monitor.pid, SIGKILL);
                ck_assert(wait_exit(monitor.pid, DEADLINE_MS, NULL));
        }
        if (monitor.out_fd >= 0)
                close(monitor.out_fd);
        monitor.pid = monitor.out_fd = -1;
}

static void tear_down(void)
{
        end_monitor();
        test_daemon_stop(&kyron_iod);
}

static void tear_down_private(void)
{
        tear_down();
        config_file_remove(&config);
}

static void run(const char *const *words, int out, bool as_nobody)
{
        const char *arguments[WORDS_MAX] = {kyronctl_program(), "--socket", kyron_iod.socket_path,
                                            "monitor"};

        for (size_t i = 0; words[i] && i + 5 < WORDS_MAX; i++)
                arguments[4 + i] = words[i];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("TZ", "UTC", 1);
        dup2(out, STDOUT_FILENO);
        if (as_nobody && (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                          setresuid(NOBODY, NOBODY, NOBODY) < 0))
                _exit(126);
        execv(arguments[0], (char *const *)arguments);
        _exit(126);
}

static void start(const char *const *words, bool as_nobody)
{
        int ends[2];

        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        fflush(NULL);
        monitor.pid = fork();
        ck_assert_int_ge(monitor.pid, 0);
        if (monitor.pid == 0)
                run(words, ends[1], as_nobody);
        close(ends[1]);
        monitor.out_fd = ends[0];
        monitor.size = 0;
}

#define START(...) start((const char *const[]){__VA_ARGS__, NULL}, false)

/* The next line, without its end; NULL: the output has ended. */
static const char *next_line(void)
{
        char *end;
        ssize_t n;

        while (!(end = memchr(monitor.text, '\n', monitor.size))) {
                ck_assert_uint_lt(monitor.size, sizeof(monitor.text));
                ck_assert_msg(wait_readable(monitor.out_fd, DEADLINE_MS), "no line comes");
                n = read(monitor.out_fd, monitor.text + monitor.size,
                         sizeof(monitor.text) - monitor.size);
                ck_assert_int_ge(n, 0);
                if (n == 0) {
                        /* Lines are written whole. */
                        ck_assert_uint_eq(monitor.size, 0);
                        return NULL;
                }
                monitor.size += (size_t)n;
        }
        *end = '\0';
        ck_assert_uint_lt((size_t)(end - monitor.text), sizeof(monitor.line));
        memcpy(monitor.line, monitor.text, (size_t)(end + 1 - monitor.text));
        monitor.size -= (size_t)(end + 1 - monitor.text);
        memmove(monitor.text, end + 1, monitor.size);
        return monitor.line;
}

/* The next line that has this in it. */
static const char *await_line(const char *text)
{
        const char *line;

        do {
                line = next_line();
                ck_assert_msg(line != NULL, "it ended before: %s", text);
        } while (!strstr(line, text));
        return line;
}

static bool come_and_go(const char *program)
{
        DaemonConnection connection = raw_session_open(&kyron_iod, program);

        close(connection.fd);
        return true;
}

/* It has subscribed when it tells of one that comes. */
static void await_subscribed(void)
{
        ck_assert(WAIT_UNTIL(come_and_go("marker") && wait_readable(monitor.out_fd, 10),
                             DEADLINE_MS));
        /* Those that came after it. */
        come_and_go("last_marker");
        await_line("last_marker");
        await_line("ends: its client closed");
}

static json_t *next_object(void)
{
        const char *line = next_line();
        json_error_t error;
        json_t *object;

        ck_assert_ptr_nonnull(line);
        object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
        ck_assert_msg(json_is_object(object), "%s: %s", error.text, line);
        return object;
}

static int wait_for_end(void)
{
        int status;

        ck_assert_msg(wait_exit(monitor.pid, DEADLINE_MS, &status), "it does not end");
        monitor.pid = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- Lines --------------------------------------------------------------------------------- */

START_TEST(each_line_has_a_time_a_kind_who_it_is_about_and_a_sentence)
{
        char expected[LINE_MAX_BYTES];
        DaemonConnection connection;
        const char *line;
        int year, month, day, hour, minute, second, ms;

        START("--no-waits");
        await_subscribed();
        connection = raw_session_open(&kyron_iod, "subject");
        line = await_line("subject");
        ck_assert_int_eq(sscanf(line, "%4d-%2d-%2d %2d:%2d:%2d.%3d  session ", &year, &month, &day,
                                &hour, &minute, &second, &ms),
                         7);
        snprintf(expected, sizeof(expected), "  session   session %" PRIu64 " (subject, pid %d, ",
                 connection.session, (int)getpid());
        ck_assert_msg(strstr(line, expected) != NULL, "%s", line);
        ck_assert_str_eq(line + strlen(line) - strlen(") begins"), ") begins");
        close(connection.fd);
        line = await_line(expected);
        ck_assert_msg(strstr(line, ") ends: its client closed") != NULL, "%s", line);
}
END_TEST

/* Nobody's words make a line of their own, or steer a terminal. */
START_TEST(a_refusal_has_what_was_asked_for_and_its_sentence)
{
        static RawClient client;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Connect connect = IOD__CONNECT__INIT;
        char expected[LINE_MAX_BYTES];

        START("refusal");
        /* Of sessions nothing is told. */
        raw_client_open(&client, kyron_iod.socket_path);
        connect.address = (char *)"tcp:192.0.2.1:80";
        frame.body_case = IOD__FRAME__BODY_CONNECT;
        frame.connect = &connect;
        do {
                service_send(&client, &frame, NULL, 0);
                snprintf(expected, sizeof(expected), ") connect tcp:192.0.2.1:80 is refused: %s",
                         raw_client_expect(&client, IOD__FRAME__BODY_REFUSED)->refused->text);
        } while (!wait_readable(monitor.out_fd, 10));
        await_line(expected);
        connect.address = (char *)"tcp:\n\033[2J";
        service_send(&client, &frame, NULL, 0);
        raw_client_expect(&client, IOD__FRAME__BODY_REFUSED);
        ck_assert_ptr_nonnull(strstr(await_line("tcp:??[2J"), " refusal "));
        raw_client_close(&client);
}
END_TEST

START_TEST(each_object_is_a_line)
{
        DaemonConnection connection;
        const char *event = "";
        json_t *object;

        START("--json", "session");
        ck_assert(WAIT_UNTIL(come_and_go("marker") && wait_readable(monitor.out_fd, 10),
                             DEADLINE_MS));
        connection = raw_session_open(&kyron_iod, "subject");
        close(connection.fd);
        for (int i = 0; i < 2;) {
                object = next_object();
                if (json_integer_value(json_object_get(object, "session")) ==
                    (json_int_t)connection.session) {
                        event = i == 0 ? "began" : "ended";
                        kyronctl_json_check_text(object, "kind", "session");
                        kyronctl_json_check_text(object, "event", event);
                        kyronctl_json_check_text(object, "program", "subject");
                        kyronctl_json_check_number(object, "pid", (uint64_t)getpid());
                        kyronctl_json_check_number(object, "uid", getuid());
                        ck_assert(json_is_string(json_object_get(object, "user")));
                        ck_assert_uint_eq(json_string_length(json_object_get(object, "time")),
                                          strlen("2025-01-31T12:00:00.123456Z"));
                        ck_assert(!json_object_get(object, "listener"));
                        if (i == 1)
                                kyronctl_json_check_text(object, "text", "its client closed");
                        i++;
                }
                json_decref(object);
        }
}
END_TEST

/* ---- Whose --------------------------------------------------------------------------------- */

static pid_t come_and_go_as_nobody(const char *program)
{
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                DaemonConnection connection;

                prctl(PR_SET_PDEATHSIG, SIGKILL);
                _exit(setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                      setresuid(NOBODY, NOBODY, NOBODY) < 0 ||
                      daemon_connection_open(&connection, kyron_iod.socket_path, program, false) <
                              0);
        }
        return pid;
}

static bool somebody_comes_and_goes(const char *program)
{
        int status;

        return wait_exit(come_and_go_as_nobody(program), DEADLINE_MS, &status) && status == 0;
}

START_TEST(a_user_is_told_of_its_own_alone)
{
        const char *line;

        if (geteuid() != 0)
                SKIP_TEST("needs root, to be two users");
        ck_assert_int_eq(chmod(kyron_iod.directory, 0755), 0);
        start((const char *const[]){"session", NULL}, true);
        ck_assert(WAIT_UNTIL(somebody_comes_and_goes("own") && wait_readable(monitor.out_fd, 10),
                             DEADLINE_MS));
        come_and_go("anothers");
        ck_assert(somebody_comes_and_goes("own_last"));
        do {
                line = next_line();
                ck_assert_ptr_nonnull(line);
                ck_assert_msg(!strstr(line, "anothers"), "%s", line);
        } while (!strstr(line, "own_last"));
}
END_TEST

/* ---- Of the daemon ------------------------------------------------------------------------- */

static bool reload(void)
{
        return kill(kyron_iod.pid, SIGHUP) == 0;
}

START_TEST(a_reload_is_told_of_with_what_has_changed_or_what_is_wrong)
{
        START("policy");
        ck_assert(WAIT_UNTIL(reload() && wait_readable(monitor.out_fd, 10), DEADLINE_MS));
        await_line("  policy    kyron-iod has reloaded: nothing has changed");
        config_file_write(&config, "max-sessions-per-second = 77\n");
        ck_assert(reload());
        await_line("77");
        config_file_write(&config, "max-sesions = 1\n");
        ck_assert(reload());
        ck_assert_ptr_nonnull(strstr(await_line("max-sesions"), "kyron-iod has not reloaded: "));
}
END_TEST

START_TEST(another_program_in_its_process_is_an_outage)
{
        START("--no-waits");
        await_subscribed();
        ck_assert_int_eq(kill(kyron_iod.pid, SIGUSR2), 0);
        await_line("  outage    kyron-iod hands over: another program takes over");
        await_line("  outage    kyron-iod is away: ");
        await_line("  outage    kyron-iod is back: release ");
        come_and_go("subject");
        await_line("subject");
}
END_TEST

/* ---- Waits --------------------------------------------------------------------------------- */

/* Has an epoll set, and stops. */
static pid_t start_stopped(void)
{
        pid_t pid = fork();
        int status;

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (epoll_create1(0) < 0)
                        _exit(1);
                raise(SIGSTOP);
                _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
        ck_assert(WIFSTOPPED(status));
        return pid;
}

/* Of this process, the next one. */
static void expect_wait(pid_t pid, const char *event)
{
        json_t *object, *diagnosis;

        do {
                object = next_object();
                kyronctl_json_check_text(object, "kind", "wait");
                if (json_integer_value(json_object_get(object, "pid")) == pid)
                        break;
                json_decref(object);
        } while (true);
        kyronctl_json_check_text(object, "event", event);
        diagnosis = json_object_get(object, "diagnosis");
        kyronctl_json_check_text(diagnosis, "kind", "stopped");
        json_decref(object);
}

/* Also without a daemon. */
START_TEST(what_is_wrong_with_a_wait_is_told_when_it_begins_and_when_it_is_over)
{
        pid_t stopped = start_stopped();

        test_daemon_crash(&kyron_iod);
        START("--json", "wait");
        expect_wait(stopped, "began");
        ck_assert_int_eq(kill(stopped, SIGCONT), 0);
        ck_assert(wait_exit(stopped, DEADLINE_MS, NULL));
        expect_wait(stopped, "ended");
        test_daemon_start_again(&kyron_iod, NULL);
}
END_TEST

/* ---- Ends and outages ---------------------------------------------------------------------- */

START_TEST(it_outlives_the_daemon)
{
        START("--json", "session");
        ck_assert(WAIT_UNTIL(come_and_go("marker") && wait_readable(monitor.out_fd, 10),
                             DEADLINE_MS));
        test_daemon_crash(&kyron_iod);
        await_line("\"event\":\"away\"");
        test_daemon_start_again(&kyron_iod, NULL);
        await_line("\"event\":\"back\"");
        come_and_go("subject");
        await_line("\"program\":\"subject\"");
}
END_TEST

START_TEST(a_daemon_that_stops_says_so_last)
{
        START("outage", "session");
        await_subscribed();
        ck_assert_int_eq(kill(kyron_iod.pid, SIGTERM), 0);
        ck_assert_ptr_nonnull(strstr(next_line(), "outage    kyron-iod stops: kyron-iod is stop"));
        ck_assert_ptr_nonnull(strstr(next_line(), "outage    kyron-iod is away: "));
        ck_assert(wait_exit(kyron_iod.pid, DEADLINE_MS, NULL));
        test_daemon_start_again(&kyron_iod, NULL);
        ck_assert_ptr_nonnull(strstr(next_line(), "outage    kyron-iod is back: release "));
}
END_TEST

START_TEST(an_interrupt_ends_it)
{
        START("--no-waits");
        await_subscribed();
        ck_assert_int_eq(kill(monitor.pid, SIGINT), 0);
        ck_assert_int_eq(wait_for_end(), -SIGINT);
        while (next_line()) {
        }
}
END_TEST

START_TEST(it_ends_when_nobody_reads_its_lines)
{
        START("policy");
        /* Without a line that could not be written. */
        close(monitor.out_fd);
        monitor.out_fd = -1;
        ck_assert_int_eq(wait_for_end(), 0);
}
END_TEST

START_TEST(it_ends_in_time)
{
        START("--no-waits", "--timeout", "1");
        ck_assert_int_eq(wait_for_end(), 0);
}
END_TEST

START_TEST(what_cannot_be_is_said)
{
        const KyronctlSetup setup = {.socket_path = kyron_iod.socket_path};
        const KyronctlSetup nowhere = {.socket_path = "/nonexistent/socket"};
        CLEANUP(kyronctl_run_release) KyronctlRun kind = RUN(&setup, "monitor", "sesion");
        CLEANUP(kyronctl_run_release) KyronctlRun away = RUN(&nowhere, "monitor");
        CLEANUP(kyronctl_run_release)
        KyronctlRun full = kyronctl_run(
                &(KyronctlSetup){.socket_path = kyron_iod.socket_path, .output_path = "/dev/full"},
                (const char *const[]){"monitor", "--timeout", "1", NULL});

        kyronctl_run_failed(&kind, 2, "nothing that happens is of kind \"sesion\"");
        kyronctl_run_failed(&away, 3, "/nonexistent/socket");
        ck_assert_int_eq(full.exit_status, 0);
}
END_TEST

static bool know_no_such_frame(int fd, const Iod__Frame *request)
{
        return lying_daemon_refuse(fd, request, EOPNOTSUPP,
                                   "frame 45 of iod.proto is unknown to this daemon (0.1.0)");
}

START_TEST(an_older_daemon_has_none)
{
        const Lie lie = {.reply = know_no_such_frame};
        LyingDaemon daemon;
        KyronctlSetup setup;

        lying_daemon_start(&daemon, &lie);
        setup = (KyronctlSetup){.socket_path = daemon.socket_path};
        {
                CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&setup, "monitor");

                kyronctl_run_failed(&run, 1, "frame 45 of iod.proto is unknown to this daemon");
        }
        lying_daemon_stop(&daemon);
}
END_TEST

/* ---- One that does not read ---------------------------------------------------------------- */

static void be_refused_often(RawClient *client, int times)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__TakeHeld take = IOD__TAKE_HELD__INIT;

        take.name = (char *)"nothing";
        frame.body_case = IOD__FRAME__BODY_TAKE_HELD;
        frame.take_held = &take;
        for (int i = 0; i < times; i++) {
                service_send(client, &frame, NULL, 0);
                raw_client_expect(client, IOD__FRAME__BODY_REFUSED);
        }
}

START_TEST(one_that_is_stopped_costs_its_ring_and_others_go_on)
{
        enum { TIMES = 5000, SLACK_KIB = 1024 };
        static RawClient client, ear;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Subscribe subscribe = IOD__SUBSCRIBE__INIT;
        size_t before, after, told = 0;
        uint64_t ear_lost = 0;

        START("--json", "refusal");
        raw_client_open(&client, kyron_iod.socket_path);
        raw_client_open(&ear, kyron_iod.socket_path);
        do
                be_refused_often(&client, 1);
        while (!wait_readable(monitor.out_fd, 10));
        ck_assert_int_eq(kill(monitor.pid, SIGSTOP), 0);
        be_refused_often(&client, TIMES);
        before = test_daemon_resident_kib(&kyron_iod);
        frame.body_case = IOD__FRAME__BODY_SUBSCRIBE;
        frame.subscribe = &subscribe;
        service_send(&ear, &frame, NULL, 0);
        raw_client_expect(&ear, IOD__FRAME__BODY_DONE);
        for (int i = 0; i < 4; i++) {
                be_refused_often(&client, TIMES / 100);
                while (told + ear_lost < (size_t)(i + 1) * (TIMES / 100)) {
                        const Iod__Happened *happened =
                                raw_client_expect(&ear, IOD__FRAME__BODY_HAPPENED)->happened;

                        told += happened->n_happening;
                        ear_lost += happened->lost;
                }
        }
        ck_assert_uint_eq(ear_lost, 0);
        raw_client_close(&ear);
        be_refused_often(&client, TIMES);
        after = test_daemon_resident_kib(&kyron_iod);
        ck_assert_uint_le(after, before + TELLER_RING_BYTES / 1024 + SLACK_KIB);
        ck_assert_int_eq(kill(monitor.pid, SIGCONT), 0);
        await_line("\"kind\":\"lost\"");
        raw_client_close(&client);
}
END_TEST

TEST_SUITE(test_kyronctl_monitor)
{
        TCase *cases = tcase_create("monitor");

        tcase_add_checked_fixture(cases, set_up, tear_down);
        tcase_set_timeout(cases, TEST_TIMEOUT_SECONDS);
        tcase_add_test(cases, each_line_has_a_time_a_kind_who_it_is_about_and_a_sentence);
        tcase_add_test(cases, a_refusal_has_what_was_asked_for_and_its_sentence);
        tcase_add_test(cases, each_object_is_a_line);
        tcase_add_test(cases, a_user_is_told_of_its_own_alone);
        tcase_add_test(cases, what_is_wrong_with_a_wait_is_told_when_it_begins_and_when_it_is_over);
        tcase_add_test(cases, it_outlives_the_daemon);
        tcase_add_test(cases, a_daemon_that_stops_says_so_last);
        tcase_add_test(cases, an_interrupt_ends_it);
        tcase_add_test(cases, it_ends_when_nobody_reads_its_lines);
        tcase_add_test(cases, it_ends_in_time);
        tcase_add_test(cases, what_cannot_be_is_said);
        tcase_add_test(cases, an_older_daemon_has_none);
        tcase_add_test(cases, one_that_is_stopped_costs_its_ring_and_others_go_on);
        suite_add_tcase(suite, cases);
        cases = tcase_create("monitor of a private daemon");
        tcase_add_checked_fixture(cases, set_up_private, tear_down_private);
        tcase_set_timeout(cases, TEST_TIMEOUT_SECONDS);
        tcase_add_test(cases, a_reload_is_told_of_with_what_has_changed_or_what_is_wrong);
        tcase_add_test(cases, another_program_in_its_process_is_an_outage);
        suite_add_tcase(suite, cases);
}
