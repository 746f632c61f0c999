/* A daemon that another program is to be put in the place of. See handover_scene.h. */
#include "tests/integration/handover_scene.h"

#include "client/handle/daemon_connection.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/service_frames.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

HandoverScene handover;

void handover_use_program(const char *target)
{
        unlink(handover.program);
        ck_assert_int_eq(symlink(target, handover.program), 0);
}

void handover_open_client(void)
{
        handover.epoch = raw_client_open(&handover.client, handover.daemon.socket_path)->epoch;
}

void handover_set_up(void)
{
        ck_assert_ptr_nonnull(realpath(test_daemon_program(), handover.real_program));
        handover.directory = make_temp_dir();
        snprintf(handover.program, sizeof(handover.program), "%s/kyron-iod", handover.directory);
        snprintf(handover.asked, sizeof(handover.asked), "%s/asked", handover.directory);
        handover_use_program(handover.real_program);
        handover.log_fd = memfd_create("log", MFD_CLOEXEC);
        ck_assert_int_ge(handover.log_fd, 0);
        ck_assert_int_ge(dup2(handover.log_fd, STDERR_FILENO), 0);
        setenv("KYRON_IOD", handover.program, 1);
        test_daemon_start(&handover.daemon, (const char *const[]){"--user", NULL});
        handover_open_client();
}

void handover_tear_down(void)
{
        for (size_t i = 0; i < sizeof(handover.workers) / sizeof(handover.workers[0]); i++)
                echo_worker_clean_up(&handover.workers[i]);
        fd_list_close(&handover.received);
        raw_client_close(&handover.client);
        test_daemon_stop(&handover.daemon);
        remove_temp_dir(handover.directory);
}

/* A session with another handover.epoch than before can be had. */
bool handover_is_another(void)
{
        DaemonConnection connection;

        /* One that the program before has accepted just now ends with it. */
        if (daemon_connection_open(&connection, handover.daemon.socket_path, "test", false) < 0)
                return false;
        close(connection.fd);
        return connection.epoch != handover.epoch;
}

void handover_do(void)
{
        ck_assert_int_eq(kill(handover.daemon.pid, SIGUSR2), 0);
        ck_assert(WAIT_UNTIL(handover_is_another(), DEADLINE_MS));
        raw_client_close(&handover.client);
        handover_open_client();
}

const Iod__Frame *handover_expect(Iod__Frame__BodyCase body)
{
        const Iod__Frame *frame;

        do {
                fd_list_close(&handover.received);
                frame = service_receive(&handover.client, &handover.received);
                ck_assert_ptr_nonnull(frame);
        } while (frame->body_case == IOD__FRAME__BODY_READINESS);
        ck_assert_msg(frame->body_case == body, "%s came, not %s: %s",
                      frame_body_name(frame->body_case), frame_body_name(body),
                      frame->body_case == IOD__FRAME__BODY_REFUSED ? frame->refused->text : "");
        return frame;
}

struct sockaddr_in handover_join(const char *address)
{
        struct sockaddr_in found = {.sin_family = AF_INET};
        unsigned port;

        service_join(&handover.client, 1, "web", address, 0, 16, NULL);
        ck_assert_int_eq(sscanf(handover_expect(IOD__FRAME__BODY_JOINED)->joined->address,
                                "tcp:127.0.0.1:%u", &port),
                         1);
        found.sin_port = htons((uint16_t)port);
        found.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return found;
}

void handover_start_workers(void)
{
        const EchoWorkerOptions options = {
                .socket_path = handover.daemon.socket_path,
                .name = "web",
                .address = "tcp:127.0.0.1:0",
                .when_readable = true,
        };

        for (size_t i = 0; i < sizeof(handover.workers) / sizeof(handover.workers[0]); i++)
                echo_worker_start(&handover.workers[i], &options);
}

ShortConnections *handover_start_load(void)
{
        struct sockaddr_in address = echo_worker_address(&handover.workers[0]);
        ShortConnections *load =
                short_connections_start((struct sockaddr *)&address, sizeof(address), 0, 16, 20000);

        ck_assert_ptr_nonnull(load);
        return load;
}

void handover_end_load(ShortConnections *load, const char *what)
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

bool handover_has_served(const ShortConnections *load, uint64_t more)
{
        uint64_t before = short_connections_ended(load);

        return WAIT_UNTIL(short_connections_ended(load) >= before + more, DEADLINE_MS);
}
