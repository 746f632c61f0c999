/*
 * SIGUSR2 puts another program in the daemon's place: what it owns is there as before, whoever
 * connects waits and is served, and a program that does not take it changes nothing.
 */
#include "client/handle/daemon_connection.h"
#include "tests/support/daemon.h"
#include "tests/support/deadline.h"
#include "tests/support/echo_worker.h"
#include "tests/support/fixture.h"
#include "tests/support/memfd_note.h"
#include "tests/support/scale.h"
#include "tests/support/service_frames.h"
#include "tests/support/short_connections.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char *directory;
static char program[256], asked[256];
static TestDaemon kyron_iod;
static RawClient client;
static FdList received;
static uint64_t epoch;
static EchoWorker workers[4];

static void use_program(const char *target)
{
        unlink(program);
        ck_assert_int_eq(symlink(target, program), 0);
}

static void open_client(void)
{
        epoch = raw_client_open(&client, kyron_iod.socket_path)->epoch;
}

static void set_up(void)
{
        char real[4096];

        ck_assert_ptr_nonnull(realpath(test_daemon_program(), real));
        directory = make_temp_dir();
        snprintf(program, sizeof(program), "%s/kyron-iod", directory);
        snprintf(asked, sizeof(asked), "%s/asked", directory);
        use_program(real);
        setenv("KYRON_IOD", program, 1);
        test_daemon_start(&kyron_iod, (const char *const[]){"--user", NULL});
        open_client();
}

static void tear_down(void)
{
        for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++)
                echo_worker_clean_up(&workers[i]);
        fd_list_close(&received);
        raw_client_close(&client);
        test_daemon_stop(&kyron_iod);
        remove_temp_dir(directory);
}

/* A session with another epoch than before can be had. */
static bool is_another(void)
{
        DaemonConnection connection;

        /* One that the program before has accepted just now ends with it. */
        if (daemon_connection_open(&connection, kyron_iod.socket_path, "test") < 0)
                return false;
        close(connection.fd);
        return connection.epoch != epoch;
}

static void hand_over(void)
{
        ck_assert_int_eq(kill(kyron_iod.pid, SIGUSR2), 0);
        ck_assert(WAIT_UNTIL(is_another(), DEADLINE_MS));
        raw_client_close(&client);
        open_client();
}

static const Iod__Frame *expect(Iod__Frame__BodyCase body)
{
        const Iod__Frame *frame;

        do {
                fd_list_close(&received);
                frame = service_receive(&client, &received);
                ck_assert_ptr_nonnull(frame);
        } while (frame->body_case == IOD__FRAME__BODY_READINESS);
        ck_assert_msg(frame->body_case == body, "%s came, not %s: %s",
                      frame_body_name(frame->body_case), frame_body_name(body),
                      frame->body_case == IOD__FRAME__BODY_REFUSED ? frame->refused->text : "");
        return frame;
}

static struct sockaddr_in join(const char *address)
{
        struct sockaddr_in found = {.sin_family = AF_INET};
        unsigned port;

        service_join(&client, 1, "web", address, 0, 16, NULL);
        ck_assert_int_eq(
                sscanf(expect(IOD__FRAME__BODY_JOINED)->joined->address, "tcp:127.0.0.1:%u", &port),
                1);
        found.sin_port = htons((uint16_t)port);
        found.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return found;
}

static int dial(const struct sockaddr_in *address)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(connect(fd, (const struct sockaddr *)address, sizeof(*address)), 0);
        return fd;
}

START_TEST(what_the_daemon_owns_is_there_in_the_next_program)
{
        int pair[2], note = memfd_note(5, NOTE_SEALS), first, waiting;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Hold hold = IOD__HOLD__INIT;
        Iod__TakeHeld take = IOD__TAKE_HELD__INIT;
        struct sockaddr_in address, again;
        char byte;

        unix_pair(SOCK_STREAM, pair);
        hold.name = take.name = (char *)"web.1";
        hold.note_size = 5;
        hold.time_to_live_ms = 60000;
        frame.sequence = 2;
        frame.body_case = IOD__FRAME__BODY_HOLD;
        frame.hold = &hold;
        service_send(&client, &frame, (int[]){pair[0], note}, 2);
        expect(IOD__FRAME__BODY_DONE);
        address = join("tcp:127.0.0.1:0");
        first = dial(&address);
        expect(IOD__FRAME__BODY_CONNECTIONS);
        waiting = dial(&address); /* behind the one that is not taken */

        hand_over();
        hand_over();
        again = join("");
        ck_assert_int_eq(again.sin_port, address.sin_port);
        ck_assert_uint_eq(expect(IOD__FRAME__BODY_CONNECTIONS)->connections->n_connection, 1);
        ck_assert_int_eq(write(fd_list_borrow(&received, 0), "x", 1), 1);
        ck_assert_int_eq(read(waiting, &byte, 1), 1);
        frame.body_case = IOD__FRAME__BODY_TAKE_HELD;
        frame.take_held = &take;
        service_send(&client, &frame, NULL, 0);
        ck_assert_uint_eq(expect(IOD__FRAME__BODY_HELD)->held->note_size, 5);
        ck_assert_int_eq(write(fd_list_borrow(&received, 0), "x", 1), 1);
        ck_assert_int_eq(read(pair[1], &byte, 1), 1);
        ck_assert_int_eq(pread(fd_list_borrow(&received, 1), &byte, 1, 4), 1);
        close(first);
        close(waiting);
        close(note);
        close(pair[0]);
        close(pair[1]);
}
END_TEST

static void take_held(const char *name)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__TakeHeld take = IOD__TAKE_HELD__INIT;

        take.name = (char *)name;
        frame.sequence = 3;
        frame.body_case = IOD__FRAME__BODY_TAKE_HELD;
        frame.take_held = &take;
        service_send(&client, &frame, NULL, 0);
}

START_TEST(what_waits_for_a_client_to_read_is_held_again)
{
        static const char *const names[] = {"a", "b"};
        int pair[2];
        char byte;

        unix_pair(SOCK_STREAM, pair);
        for (int i = 0; i < 2; i++) {
                Iod__Frame frame = IOD__FRAME__INIT;
                Iod__Hold hold = IOD__HOLD__INIT;

                hold.name = (char *)names[i];
                hold.time_to_live_ms = 60000;
                frame.body_case = IOD__FRAME__BODY_HOLD;
                frame.sequence = 2;
                frame.hold = &hold;
                service_send(&client, &frame, &pair[0], 1);
                expect(IOD__FRAME__BODY_DONE);
        }
        /* The first is sent; the second waits until that is read. */
        take_held("a");
        take_held("b");
        ck_assert(wait_readable(client.socket_fd, DEADLINE_MS));
        hand_over();
        take_held("b");
        expect(IOD__FRAME__BODY_HELD);
        ck_assert_int_eq(write(fd_list_borrow(&received, 0), "x", 1), 1);
        ck_assert_int_eq(read(pair[1], &byte, 1), 1);
        take_held("a");
        ck_assert_int_eq(expect(IOD__FRAME__BODY_REFUSED)->refused->error, ENOENT);
        close(pair[0]);
        close(pair[1]);
}
END_TEST

START_TEST(nothing_else_stays_open)
{
        size_t before = test_daemon_count_descriptors(&kyron_iod);

        for (int i = 0; i < 3; i++)
                hand_over();
        ck_assert(WAIT_UNTIL(test_daemon_count_descriptors(&kyron_iod) <= before, DEADLINE_MS));
}
END_TEST

static void start_workers(void)
{
        const EchoWorkerOptions options = {
                .socket_path = kyron_iod.socket_path,
                .name = "web",
                .address = "tcp:127.0.0.1:0",
                .when_readable = true,
        };

        for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++)
                echo_worker_start(&workers[i], &options);
}

static ShortConnections *start_load(void)
{
        struct sockaddr_in address = echo_worker_address(&workers[0]);
        ShortConnections *load =
                short_connections_start((struct sockaddr *)&address, sizeof(address), 0, 16, 20000);

        ck_assert_ptr_nonnull(load);
        return load;
}

static void end_load(ShortConnections *load, const char *what)
{
        ShortConnectionsResult result;

        short_connections_end(load, &result);
        printf("%s: %ju served, the slowest in %ju ms\n", what, (uintmax_t)result.served,
               (uintmax_t)result.slowest_ms);
        ck_assert_msg(
                result.refused + result.reset + result.lost + result.mixed_up + result.failed == 0,
                "%s: %ju refused, %ju reset, %ju lost, %ju mixed up, %ju failed; first: %s", what,
                (uintmax_t)result.refused, (uintmax_t)result.reset, (uintmax_t)result.lost,
                (uintmax_t)result.mixed_up, (uintmax_t)result.failed, result.first_failure);
}

static bool has_served(const ShortConnections *load, uint64_t more)
{
        uint64_t before = short_connections_ended(load);

        return WAIT_UNTIL(short_connections_ended(load) >= before + more, DEADLINE_MS);
}

START_TEST(under_load_no_connection_is_refused_or_reset)
{
        int times = scaled(10, 50, 200);
        ShortConnections *load;

        start_workers();
        load = start_load();
        for (int i = 0; i < times; i++) {
                ck_assert(has_served(load, 50));
                hand_over();
        }
        ck_assert(has_served(load, 50));
        end_load(load, "handed over");
}
END_TEST

/* ---- Programs that do not take it ---- */

static void make_script(const char *does)
{
        FILE *file;

        unlink(program);
        file = fopen(program, "we");
        ck_assert_ptr_nonnull(file);
        fprintf(file, "#!/bin/sh\necho x >%s\n%s\n", asked, does);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(chmod(program, 0755), 0);
}

static void make_refusing(void)
{
        make_script("exit 1");
}

static void make_crashing(void)
{
        make_script("kill -SEGV $$");
}

static void make_missing(void)
{
        ck_assert_int_eq(unlink(program), 0);
}

static void make_no_program(void)
{
        make_script("exit 0");
        ck_assert_int_eq(chmod(program, 0644), 0);
}

static const struct Bad {
        void (*make)(void);
        bool is_asked;
} bad[] = {
        {make_refusing, true},
        {make_crashing, true},
        {make_missing, false},
        {make_no_program, false},
};

START_TEST(a_program_that_does_not_take_it_changes_nothing)
{
        ShortConnections *load;

        start_workers();
        load = start_load();
        bad[_i].make();
        for (int i = 0; i < 5; i++) {
                ck_assert(has_served(load, 20));
                ck_assert_int_eq(kill(kyron_iod.pid, SIGUSR2), 0);
        }
        if (bad[_i].is_asked)
                ck_assert(WAIT_UNTIL(access(asked, F_OK) == 0, DEADLINE_MS));
        ck_assert(has_served(load, 50));
        ck_assert(!is_another());
        /* The session is the same, too. */
        raw_client_status(&client);
        end_load(load, "refused");
}
END_TEST

START_TEST(one_that_took_it_and_cannot_be_executed_then_costs_the_sessions_alone)
{
        struct sockaddr_in address = join("tcp:127.0.0.1:0"), again;
        char script[512];

        /* Says yes, and removes itself. */
        snprintf(script, sizeof(script), "rm %s; exit 0", program);
        make_script(script);
        ck_assert_int_eq(kill(kyron_iod.pid, SIGUSR2), 0);
        while (service_receive(&client, &received))
                fd_list_close(&received);
        raw_client_close(&client);
        ck_assert(!is_another());
        open_client();
        again = join("");
        ck_assert_int_eq(again.sin_port, address.sin_port);
}
END_TEST

TEST_SUITE(test_handover)
{
        TCase *taken = tcase_create("taken");
        TCase *refused = tcase_create("refused");

        tcase_add_checked_fixture(taken, set_up, tear_down);
        tcase_add_test(taken, what_the_daemon_owns_is_there_in_the_next_program);
        tcase_add_test(taken, what_waits_for_a_client_to_read_is_held_again);
        tcase_add_test(taken, nothing_else_stays_open);
        tcase_add_test(taken, under_load_no_connection_is_refused_or_reset);
        tcase_add_checked_fixture(refused, set_up, tear_down);
        tcase_add_loop_test(refused, a_program_that_does_not_take_it_changes_nothing, 0,
                            (int)(sizeof(bad) / sizeof(bad[0])));
        tcase_add_test(refused,
                       one_that_took_it_and_cannot_be_executed_then_costs_the_sessions_alone);
        tcase_set_timeout(taken, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(refused, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, taken);
        suite_add_tcase(suite, refused);
}
