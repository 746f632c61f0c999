/*
 * kyronctl registrations, against a daemon with registrations made here: what each waits for, its
 * addresses, and how it is laid out.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/raw_session.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/eventfd.h>

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

/* A registration of each kind, in the slot of its place here. */
enum {
        LISTENER,
        ACCEPTED,
        CONNECTED,
        UDP,
        UNIX_LISTENER,
        UNIX_ACCEPTED,
        UNIX_CONNECTED,
        SOCKETPAIR,
        PIPE,
        EVENTFD,
        FDS
};

static void bind_loopback(int fd, struct sockaddr_in *address)
{
        socklen_t length = sizeof(*address);

        *address = (struct sockaddr_in){
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        ck_assert_int_eq(bind(fd, (struct sockaddr *)address, length), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &length), 0);
}

static void open_tcp(int fds[static FDS], unsigned *port)
{
        struct sockaddr_in address;

        fds[LISTENER] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bind_loopback(fds[LISTENER], &address);
        *port = ntohs(address.sin_port);
        ck_assert_int_eq(listen(fds[LISTENER], 1), 0);
        fds[CONNECTED] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(fds[CONNECTED], (struct sockaddr *)&address, sizeof(address)), 0);
        fds[ACCEPTED] = accept4(fds[LISTENER], NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(fds[ACCEPTED], 0);
}

static void open_unix(int fds[static FDS])
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        socklen_t length = sizeof(address);

        fds[UNIX_LISTENER] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        /* Nothing but its family: the kernel picks a name that is no file. */
        ck_assert_int_eq(bind(fds[UNIX_LISTENER], (struct sockaddr *)&address, sizeof(sa_family_t)),
                         0);
        ck_assert_int_eq(listen(fds[UNIX_LISTENER], 1), 0);
        ck_assert_int_eq(getsockname(fds[UNIX_LISTENER], (struct sockaddr *)&address, &length), 0);
        fds[UNIX_CONNECTED] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(fds[UNIX_CONNECTED], (struct sockaddr *)&address, length), 0);
        fds[UNIX_ACCEPTED] = accept4(fds[UNIX_LISTENER], NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(fds[UNIX_ACCEPTED], 0);
}

static void open_fds(int fds[static FDS], unsigned *port)
{
        struct sockaddr_in address;
        int pair[2];

        open_tcp(fds, port);
        fds[UDP] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        bind_loopback(fds[UDP], &address);
        open_unix(fds);
        unix_pair(SOCK_SEQPACKET, pair);
        fds[SOCKETPAIR] = pair[0];
        close(pair[1]);
        pipe_pair(pair);
        fds[PIPE] = pair[0];
        close(pair[1]);
        fds[EVENTFD] = eventfd(0, EFD_CLOEXEC);
        ck_assert_int_ge(fds[EVENTFD], 0);
}

/* Opens a session with a registration of each kind. */
static DaemonConnection register_each_kind(int fds[static FDS], unsigned *port)
{
        DaemonConnection connection = raw_session_open(&daemon_process, "each_kind");

        open_fds(fds, port);
        for (uint32_t slot = 0; slot < FDS; slot++) {
                Readiness interest = READINESS_READABLE;

                if (slot == CONNECTED || slot == UNIX_CONNECTED)
                        interest |= READINESS_WRITABLE;
                raw_session_add_source(&connection, slot, fds[slot], interest);
        }
        raw_session_settle(&connection);
        return connection;
}

static void close_all(DaemonConnection *connection, int fds[static FDS])
{
        close(connection->fd);
        for (size_t i = 0; i < FDS; i++)
                close(fds[i]);
}

START_TEST(registrations_say_what_is_waited_for)
{
        static const char *const kinds[FDS] = {
                [LISTENER] = "tcp",
                [ACCEPTED] = "tcp",
                [CONNECTED] = "tcp",
                [UDP] = "udp",
                [UNIX_LISTENER] = "unix-stream",
                [UNIX_ACCEPTED] = "unix-stream",
                [UNIX_CONNECTED] = "unix-stream",
                [SOCKETPAIR] = "unix-seqpacket",
                [PIPE] = "pipe",
                [EVENTFD] = "eventfd",
        };
        CLEANUP(cleanup_json) json_t *registrations = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        int fds[FDS];
        unsigned port;
        DaemonConnection connection = register_each_kind(fds, &port);

        run = RUN(&setup, "registrations", "--json");
        kyronctl_run_succeeded(&run);
        registrations = kyronctl_run_json(&run);
        ck_assert_uint_eq(json_array_size(registrations), FDS);
        for (size_t slot = 0; slot < FDS; slot++) {
                const json_t *registration = json_array_get(registrations, slot);

                kyronctl_json_check_number(registration, "session", connection.session);
                kyronctl_json_check_number(registration, "slot", slot);
                kyronctl_json_check_number(registration, "generation", 1);
                kyronctl_json_check_number(registration, "pid", (uint64_t)getpid());
                kyronctl_json_check_text(registration, "program", "each_kind");
                kyronctl_json_check_text(registration, "kind", kinds[slot]);
        }
        kyronctl_json_check_words(json_array_get(registrations, CONNECTED), "interest",
                                  "readable writable");
        kyronctl_json_check_words(json_array_get(registrations, CONNECTED), "readiness",
                                  "writable");
        kyronctl_json_check_number(json_array_get(registrations, CONNECTED), "events", 1);
        kyronctl_json_check_words(json_array_get(registrations, EVENTFD), "interest", "readable");
        kyronctl_json_check_words(json_array_get(registrations, EVENTFD), "readiness", "");
        kyronctl_json_check_number(json_array_get(registrations, EVENTFD), "events", 0);
        kyronctl_json_check_words(json_array_get(registrations, PIPE), "readiness",
                                  "read-closed write-closed");
        close_all(&connection, fds);
}
END_TEST

/* A Unix socket whose name is a file. */
static int open_path(const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
        strcpy(address.sun_path, path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

static const json_t *member(json_t *registrations, size_t slot, const char *key)
{
        return json_object_get(json_array_get(registrations, slot), key);
}

START_TEST(sockets_have_their_addresses)
{
        CLEANUP(cleanup_json) json_t *all = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        int fds[FDS], path_fd;
        unsigned port;
        DaemonConnection connection = register_each_kind(fds, &port);
        char listening[64], path[256];

        snprintf(listening, sizeof(listening), "127.0.0.1:%u", port);
        snprintf(path, sizeof(path), "%s/u", daemon_process.directory);
        path_fd = open_path(path);
        raw_session_add_source(&connection, FDS, path_fd, READINESS_READABLE);
        raw_session_settle(&connection);
        run = RUN(&setup, "registrations", "--json");
        all = kyronctl_run_json(&run);
        close(path_fd);
        close_all(&connection, fds);
        if (json_is_null(member(all, LISTENER, "local")))
                SKIP_TEST("there are no socket diagnostics here");

        kyronctl_json_check_text(json_array_get(all, LISTENER), "local", listening);
        ck_assert(json_is_true(member(all, LISTENER, "listening")));
        ck_assert(json_is_false(member(all, ACCEPTED, "listening")));
        kyronctl_json_check_text(json_array_get(all, CONNECTED), "peer", listening);
        kyronctl_json_check_text(json_array_get(all, ACCEPTED), "local", listening);
        ck_assert(json_equal(member(all, ACCEPTED, "peer"), member(all, CONNECTED, "local")));
        ck_assert(json_is_string(member(all, UDP, "local")));
        ck_assert(json_is_null(member(all, UDP, "peer")));
        ck_assert_int_eq(*json_string_value(member(all, UNIX_LISTENER, "local")), '@');
        ck_assert(json_equal(member(all, UNIX_LISTENER, "local"),
                             member(all, UNIX_ACCEPTED, "local")));
        ck_assert(json_equal(member(all, UNIX_LISTENER, "local"),
                             member(all, UNIX_CONNECTED, "peer")));
        ck_assert(json_is_null(member(all, UNIX_CONNECTED, "local")));
        ck_assert(json_is_null(member(all, PIPE, "local")));
        kyronctl_json_check_text(json_array_get(all, FDS), "local", path);
}
END_TEST

START_TEST(an_ordinary_table_fits_eighty_columns)
{
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        int fds[FDS];
        unsigned port;
        DaemonConnection connection = register_each_kind(fds, &port);

        run = RUN(&setup, "registrations");
        kyronctl_run_succeeded(&run);
        ck_assert_uint_eq(kyronctl_count_lines(run.out), FDS + 1);
        ck_assert_ptr_nonnull(strstr(run.out, "KIND    INT READY EVENTS "));
        ck_assert_ptr_nonnull(strstr(run.out, " RECVQ SENDQ ADDRESS\n"));
        ck_assert_ptr_nonnull(strstr(run.out, " tcp     rw  w          1 "));
        ck_assert_ptr_nonnull(strstr(run.out, " u_seq   r   rRW        1 "));
        close_all(&connection, fds);
}
END_TEST

START_TEST(a_terminal_gets_lines_that_fit_and_a_file_whole_ones)
{
        CLEANUP(kyronctl_run_release) KyronctlRun file = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun terminal = {.exit_status = -1};
        KyronctlSetup narrow = setup;
        DaemonConnection connection =
                raw_session_open(&daemon_process, "a_program_with_quite_a_long_name");
        struct sockaddr_in address;
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        bind_loopback(fd, &address);
        raw_session_add_source(&connection, 0, fd, READINESS_READABLE);
        raw_session_settle(&connection);
        file = RUN(&setup, "registrations");
        narrow.terminal_columns = 80;
        terminal = RUN(&narrow, "registrations");
        kyronctl_run_succeeded(&file);
        kyronctl_run_succeeded(&terminal);
        ck_assert_ptr_nonnull(strstr(file.out, "a_program_with_quite_a_long_name"));
        ck_assert_uint_gt(kyronctl_text_width(file.out), 80);
        ck_assert_uint_eq(kyronctl_count_lines(terminal.out), 2);
        ck_assert_msg(kyronctl_text_width(terminal.out) <= 80, "%s", terminal.out);
        close(fd);
        close(connection.fd);
}
END_TEST

START_TEST(all_registrations_are_shown_when_they_fill_more_than_a_page)
{
        enum { MANY = 300 };
        CLEANUP(cleanup_json) json_t *all = NULL;
        CLEANUP(cleanup_json) json_t *of_second = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun second_run = {.exit_status = -1};
        DaemonConnection first = raw_session_open(&daemon_process, "first");
        DaemonConnection second = raw_session_open(&daemon_process, "second");
        char number[32];
        int fds[MANY];

        for (uint32_t i = 0; i < MANY; i++) {
                fds[i] = eventfd(0, EFD_CLOEXEC);
                ck_assert_int_ge(fds[i], 0);
                raw_session_add_source(i % 2 ? &second : &first, i * 7, fds[i], READINESS_READABLE);
                if (i % 32 == 31)
                        raw_session_settle(i % 2 ? &second : &first);
        }
        raw_session_settle(&first);
        raw_session_settle(&second);
        run = RUN(&setup, "registrations", "--json");
        all = kyronctl_run_json(&run);
        ck_assert_uint_eq(json_array_size(all), MANY);
        for (uint32_t i = 0; i < MANY; i++)
                kyronctl_json_check_number(kyronctl_json_find(all, "slot", i * 7), "session",
                                           i % 2 ? second.session : first.session);

        snprintf(number, sizeof(number), "%" PRIu64, second.session);
        second_run = RUN(&setup, "registrations", "--session", number, "--json");
        of_second = kyronctl_run_json(&second_run);
        ck_assert_uint_eq(json_array_size(of_second), MANY / 2);
        ck_assert_ptr_null(kyronctl_json_find(of_second, "session", first.session));
        for (size_t i = 0; i < MANY; i++)
                close(fds[i]);
        close(first.fd);
        close(second.fd);
}
END_TEST

/* A page of the daemon's looks into so many sessions, also when they have nothing to show. */
START_TEST(registrations_behind_many_idle_sessions_are_shown)
{
        enum { IDLE = 200 };
        CLEANUP(cleanup_json) json_t *registrations = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        DaemonConnection connections[IDLE + 1];
        int fd = eventfd(0, EFD_CLOEXEC);

        for (size_t i = 0; i <= IDLE; i++)
                connections[i] = raw_session_open(&daemon_process, "idle");
        raw_session_add_source(&connections[IDLE], 5, fd, READINESS_READABLE);
        raw_session_settle(&connections[IDLE]);
        run = RUN(&setup, "registrations", "--json");
        registrations = kyronctl_run_json(&run);
        ck_assert_uint_eq(json_array_size(registrations), 1);
        kyronctl_json_check_number(json_array_get(registrations, 0), "session",
                                   connections[IDLE].session);
        for (size_t i = 0; i <= IDLE; i++)
                close(connections[i].fd);
        close(fd);
}
END_TEST

TEST_SUITE(test_kyronctl_registrations)
{
        TCase *served = tcase_create("a daemon");

        tcase_set_timeout(served, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(served, start_daemon, stop_daemon);
        tcase_add_test(served, registrations_say_what_is_waited_for);
        tcase_add_test(served, sockets_have_their_addresses);
        tcase_add_test(served, an_ordinary_table_fits_eighty_columns);
        tcase_add_test(served, a_terminal_gets_lines_that_fit_and_a_file_whole_ones);
        tcase_add_test(served, all_registrations_are_shown_when_they_fill_more_than_a_page);
        tcase_add_test(served, registrations_behind_many_idle_sessions_are_shown);
        suite_add_tcase(suite, served);
}
