/*
 * kyronctl's manners: every verb tells of itself, lists show what was asked for in the order that
 * was asked for, and no table is wider than the terminal or broken by somebody's name.
 */
#include "core/cleanup.h"
#include "ctl/shown_text.h"
#include "ctl/verbs.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/raw_session.h"
#include "tests/support/fixture.h"

#include <arpa/inet.h>
#include <locale.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static TestDaemon daemon_process;
static KyronctlSetup setup;

static void start_daemon(void)
{
        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
        test_daemon_start(&daemon_process, NULL);
        setup = (KyronctlSetup){.socket_path = daemon_process.socket_path};
}

static void stop_daemon(void)
{
        test_daemon_stop(&daemon_process);
}

/* ---- Help ------------------------------------------------------------------------------------ */

START_TEST(each_verb_has_help_of_its_own)
{
        const KyronctlSetup none = {.socket_path = NULL};
        const Verb *verb;

        for (size_t i = 0; (verb = verbs_at(i)); i++) {
                CLEANUP(kyronctl_run_release) KyronctlRun before = RUN(&none, "-h", verb->name);
                CLEANUP(kyronctl_run_release) KyronctlRun after = RUN(&none, verb->name, "--help");
                char usage[64];

                kyronctl_run_succeeded(&before);
                kyronctl_run_succeeded(&after);
                snprintf(usage, sizeof(usage), "Usage: kyronctl [OPTION]... %s", verb->name);
                ck_assert_msg(strncmp(before.out, usage, strlen(usage)) == 0, "%s", before.out);
                ck_assert_str_eq(before.out, after.out);
                ck_assert_uint_le(kyronctl_text_width(before.out), 80);
                ck_assert_int_eq(strstr(before.out, " --sort ") != NULL,
                                 (verb->options & (TAKES_TABLE | TAKES_TOP)) != 0);
                ck_assert_ptr_nonnull(strstr(before.out, " -h, --help "));
        }
}
END_TEST

START_TEST(help_fits_eighty_columns)
{
        const KyronctlSetup none = {.socket_path = NULL};
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&none, "-h");

        kyronctl_run_succeeded(&run);
        ck_assert_uint_le(kyronctl_text_width(run.out), 80);
}
END_TEST

/* ---- What is asked for ----------------------------------------------------------------------- */

/* The sessions' numbers, as the table has them. */
static void check_sessions(const KyronctlRun *run, const DaemonConnection *const *expected,
                           size_t n)
{
        const char *line = run->out;

        ck_assert_int_eq(run->exit_status, 0);
        ck_assert_uint_eq(kyronctl_count_lines(run->out), n);
        for (size_t i = 0; i < n; i++) {
                ck_assert_uint_eq(strtoull(line, NULL, 10), expected[i]->session);
                line = strchr(line, '\n') + 1;
        }
}

START_TEST(a_list_is_sorted_as_was_asked)
{
        DaemonConnection one = raw_session_open(&daemon_process, "b"),
                         two = raw_session_open(&daemon_process, "c"),
                         three = raw_session_open(&daemon_process, "a");
        CLEANUP(kyronctl_run_release)
        KyronctlRun up = RUN(&setup, "sessions", "--no-legend", "--sort", "program");
        CLEANUP(kyronctl_run_release)
        KyronctlRun down = RUN(&setup, "sessions", "--no-legend", "--sort=pid,-SESSION");
        CLEANUP(kyronctl_run_release)
        KyronctlRun none = RUN(&setup, "sessions", "--sort", "evnts");

        check_sessions(&up, (const DaemonConnection *const[]){&three, &one, &two}, 3);
        check_sessions(&down, (const DaemonConnection *const[]){&three, &two, &one}, 3);
        kyronctl_run_failed(&none, 2, "--sort: there is no column \"evnts\"; is it EVENTS?");
        close(one.fd);
        close(two.fd);
        close(three.fd);
}
END_TEST

START_TEST(a_list_has_only_what_was_asked_for)
{
        DaemonConnection own = raw_session_open(&daemon_process, "own");
        char pid[16], uid[16];

        snprintf(pid, sizeof(pid), "%d", (int)getpid());
        snprintf(uid, sizeof(uid), "%u", (unsigned)geteuid());
        {
                CLEANUP(kyronctl_run_release)
                KyronctlRun mine =
                        RUN(&setup, "sessions", "--no-legend", "--pid", pid, "--user", uid);
                CLEANUP(kyronctl_run_release)
                KyronctlRun pid_1 = RUN(&setup, "sessions", "--pid=1");
                CLEANUP(kyronctl_run_release)
                KyronctlRun nobodys = RUN(&setup, "sessions", "--json", "--user", "4294967290");
                CLEANUP(kyronctl_run_release)
                KyronctlRun unknown = RUN(&setup, "sessions", "--user", "no such user");

                check_sessions(&mine, (const DaemonConnection *const[]){&own}, 1);
                ck_assert_str_eq(pid_1.out, "");
                ck_assert_str_eq(pid_1.err, "no sessions\n");
                ck_assert_str_eq(nobodys.out, "[]\n");
                kyronctl_run_failed(&unknown, 5, "there is no user \"no such user\"");
        }
        close(own.fd);
}
END_TEST

START_TEST(registrations_are_found_by_either_ends_port)
{
        DaemonConnection own = raw_session_open(&daemon_process, "ports");
        int ends[2];
        char local[8], peer[8], other[8];
        struct sockaddr_in address;
        socklen_t length = sizeof(address);

        tcp_pair(ends);
        raw_session_add_source(&own, 0, ends[0], READINESS_READABLE);
        raw_session_settle(&own);
        ck_assert_int_eq(getsockname(ends[0], (struct sockaddr *)&address, &length), 0);
        snprintf(local, sizeof(local), "%u", ntohs(address.sin_port));
        snprintf(other, sizeof(other), "%u", ntohs(address.sin_port) == 1 ? 2u : 1u);
        ck_assert_int_eq(getpeername(ends[0], (struct sockaddr *)&address, &length), 0);
        snprintf(peer, sizeof(peer), "%u", ntohs(address.sin_port));
        {
                CLEANUP(kyronctl_run_release)
                KyronctlRun by_local = RUN(&setup, "registrations", "--no-legend", "--port", local);
                CLEANUP(kyronctl_run_release)
                KyronctlRun by_peer = RUN(&setup, "registrations", "--no-legend", "--port", peer);
                CLEANUP(kyronctl_run_release)
                KyronctlRun none = RUN(&setup, "registrations", "--no-legend", "--port", other);

                ck_assert_uint_eq(kyronctl_count_lines(by_local.out), 1);
                ck_assert_uint_eq(kyronctl_count_lines(by_peer.out), 1);
                ck_assert_str_eq(none.out, "");
        }
        close(ends[0]);
        close(ends[1]);
        close(own.fd);
}
END_TEST

/* ---- Terminals ------------------------------------------------------------------------------- */

static void check_lines(const char *text, size_t width)
{
        CLEANUP(cleanup_free) char *copy = strdup(text);
        char *rest = copy, *line;

        while ((line = strsep(&rest, "\n"))) {
                CLEANUP(cleanup_free) char *printable = strdup(line);

                shown_text_make_printable(printable);
                ck_assert_msg(strcmp(printable, line) == 0, "%s", line);
                ck_assert_msg(shown_text_width(line) <= width, "%zu: %s", width, line);
        }
}

START_TEST(no_table_is_wider_than_its_terminal)
{
        static const int widths[] = {10, 40, 80, 200};
        static const char *const verbs[] = {"sessions", "registrations"};
        const char *const name = "a program with quite a long name";
        DaemonConnection connection = raw_session_open(&daemon_process, name);
        int fds[2];

        unix_pair(SOCK_STREAM, fds);
        raw_session_add_source(&connection, 0, fds[0], READINESS_READABLE);
        raw_session_settle(&connection);
        for (size_t i = 0; i < 4; i++) {
                for (size_t j = 0; j < 2; j++) {
                        const KyronctlSetup terminal = {.socket_path = setup.socket_path,
                                                        .terminal_columns = widths[i]};
                        CLEANUP(kyronctl_run_release) KyronctlRun cut = RUN(&terminal, verbs[j]);
                        CLEANUP(kyronctl_run_release)
                        KyronctlRun wide = RUN(&terminal, verbs[j], "--wide");

                        kyronctl_run_succeeded(&cut);
                        ck_assert_uint_eq(kyronctl_count_lines(cut.out), 2);
                        check_lines(cut.out, (size_t)widths[i]);
                        ck_assert_ptr_nonnull(strstr(wide.out, name));
                        if (widths[i] == 40)
                                ck_assert_ptr_nonnull(strstr(cut.out, "…"));
                }
        }
        close(fds[0]);
        close(fds[1]);
        close(connection.fd);
}
END_TEST

/* Someone with a name like that, stopped, so that waits has a row of it. */
static pid_t start_named(const char *name)
{
        int status;
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                prctl(PR_SET_NAME, name);
                raise(SIGSTOP);
                _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
        ck_assert(WIFSTOPPED(status));
        return pid;
}

START_TEST(no_name_of_a_program_breaks_a_table)
{
        static const char *const names[] = {"a\nb\tc", "\033[2J\033[31m", "日本語\xe6\x97",
                                            "\xff\xfe\x9b", "\xe2\x80\xaegnp.exe"};
        const KyronctlSetup terminal = {.terminal_columns = 60};

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                const pid_t pid = start_named(names[i]);
                char text[16];

                snprintf(text, sizeof(text), "%d", (int)pid);
                {
                        CLEANUP(kyronctl_run_release)
                        KyronctlRun run = RUN(&terminal, "waits", "--no-legend", "--pid", text);

                        ck_assert_int_eq(run.exit_status, 0);
                        ck_assert_uint_eq(kyronctl_count_lines(run.out), 1);
                        ck_assert_ptr_nonnull(strstr(run.out, " stopped\n"));
                        check_lines(run.out, 60);
                }
                kill(pid, SIGKILL);
                waitpid(pid, NULL, 0);
        }
}
END_TEST

TEST_SUITE(test_kyronctl_manners)
{
        TCase *help = tcase_create("help"), *served = tcase_create("a daemon");

        tcase_set_timeout(help, TEST_TIMEOUT_SECONDS);
        tcase_add_test(help, each_verb_has_help_of_its_own);
        tcase_add_test(help, help_fits_eighty_columns);
        suite_add_tcase(suite, help);
        tcase_set_timeout(served, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(served, start_daemon, stop_daemon);
        tcase_add_test(served, a_list_is_sorted_as_was_asked);
        tcase_add_test(served, a_list_has_only_what_was_asked_for);
        tcase_add_test(served, registrations_are_found_by_either_ends_port);
        tcase_add_test(served, no_table_is_wider_than_its_terminal);
        tcase_add_test(served, no_name_of_a_program_breaks_a_table);
        suite_add_tcase(suite, served);
}
