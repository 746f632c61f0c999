/* The test in the daemon's place. See scripted_daemon.h. */
#include "tests/support/scripted_daemon.h"

#include "client/handle/io_driver_handle.h"
#include "core/cleanup.h"
#include "proto/frame_socket.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const Iod__Frame *receive(ScriptedDaemon *daemon)
{
        Iod__Frame *frame;
        int size;

        fd_list_close(&daemon->fds);
        size = frame_socket_receive(daemon->socket_fd, daemon->packet, sizeof(daemon->packet),
                                    &daemon->fds);
        ck_assert_int_gt(size, 0);
        ck_assert_msg(frame_decode(&daemon->arena, daemon->packet, (size_t)size, daemon->fds.count,
                                   &frame) == 0,
                      "%s", error_text());
        return frame;
}

void scripted_daemon_welcome(ScriptedDaemon *daemon, uint64_t epoch)
{
        scripted_daemon_welcome_with_pulse(daemon, epoch, -1);
}

void scripted_daemon_welcome_with_pulse(ScriptedDaemon *daemon, uint64_t epoch, int take_fd)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Welcome body = IOD__WELCOME__INIT;

        body.version = FRAME_PROTOCOL_VERSION;
        body.epoch = epoch;
        body.session = 1;
        body.registrations_max = daemon->registrations_max;
        body.deliveries = daemon->deliveries;
        body.release = (char *)"0";
        body.pulse = take_fd >= 0;
        frame.body_case = IOD__FRAME__BODY_WELCOME;
        frame.welcome = &body;
        scripted_daemon_send(daemon, &frame, &take_fd, take_fd >= 0);
        if (take_fd >= 0)
                close(take_fd);
}

static bool take_hello(ScriptedDaemon *daemon)
{
        const Iod__Frame *frame;

        daemon->socket_fd = accept4(daemon->listener_fd, NULL, NULL, SOCK_CLOEXEC);
        if (daemon->socket_fd < 0 || !wait_readable(daemon->socket_fd, DEADLINE_MS))
                return false;
        frame = receive(daemon);
        if (frame->body_case != IOD__FRAME__BODY_HELLO)
                return false;
        daemon->away_ms = frame->hello->away_ms;
        return true;
}

static void *welcome_first(void *data)
{
        if (take_hello(data))
                scripted_daemon_welcome(data, 1);
        return NULL;
}

void scripted_daemon_await_hello(ScriptedDaemon *daemon)
{
        ck_assert(PROCESS_UNTIL(daemon->handle, wait_readable(daemon->listener_fd, 0)));
        ck_assert(take_hello(daemon));
}

void scripted_daemon_start(ScriptedDaemon *daemon, uint32_t registrations_max)
{
        const KyronOptions options = {.outage_ms = -1};

        scripted_daemon_start_with(daemon, registrations_max, &options);
}

void scripted_daemon_start_with(ScriptedDaemon *daemon, uint32_t registrations_max,
                                const KyronOptions *options)
{
        scripted_daemon_start_allowing(daemon, registrations_max, 0, options);
}

void scripted_daemon_start_allowing(ScriptedDaemon *daemon, uint32_t registrations_max,
                                    uint32_t deliveries, const KyronOptions *wanted)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        KyronOptions options = *wanted;
        pthread_t thread;
        int r;

        options.socket_path = address.sun_path;
        if (options.alive_ms == 0)
                options.alive_ms = -1;
        daemon->directory = make_temp_dir();
        daemon->socket_fd = -1;
        daemon->registrations_max = registrations_max;
        daemon->deliveries = deliveries;
        daemon->fds.count = 0;
        frame_arena_init(&daemon->arena);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", daemon->directory);
        daemon->listener_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(
                bind(daemon->listener_fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(daemon->listener_fd, 1), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, welcome_first, daemon), 0);
        r = kyron_io_driver_handle_open(&daemon->handle, &options);
        pthread_join(thread, NULL);
        ck_assert_msg(r == 0, "open: %s", kyron_error_text());
}

void scripted_daemon_vanish(ScriptedDaemon *daemon)
{
        close(STEAL_FD(daemon->socket_fd));
}

void scripted_daemon_stop(ScriptedDaemon *daemon)
{
        kyron_io_driver_handle_close(STEAL_PTR(daemon->handle));
        fd_list_close(&daemon->fds);
        if (daemon->socket_fd >= 0)
                scripted_daemon_vanish(daemon);
        close(daemon->listener_fd);
        remove_temp_dir(STEAL_PTR(daemon->directory));
}

void scripted_daemon_lose(ScriptedDaemon *daemon)
{
        scripted_daemon_vanish(daemon);
        ck_assert(PROCESS_UNTIL(daemon->handle, daemon->handle->outage.state != OUTAGE_NONE));
}

void scripted_daemon_come_back(ScriptedDaemon *daemon, uint64_t epoch)
{
        scripted_daemon_await_hello(daemon);
        scripted_daemon_welcome(daemon, epoch);
        ck_assert(PROCESS_UNTIL(daemon->handle, daemon->handle->outage.state == OUTAGE_NONE));
}

const Iod__Frame *scripted_daemon_next(ScriptedDaemon *daemon)
{
        if (!wait_readable(daemon->socket_fd, 0))
                process(daemon->handle, 0);
        ck_assert_msg(wait_readable(daemon->socket_fd, 0), "nothing came");
        return receive(daemon);
}

const Iod__Frame *scripted_daemon_expect(ScriptedDaemon *daemon, Iod__Frame__BodyCase body)
{
        const Iod__Frame *frame = scripted_daemon_next(daemon);

        ck_assert_msg(frame->body_case == body, "%s came, not %s",
                      frame_body_name(frame->body_case), frame_body_name(body));
        return frame;
}

const Iod__AddIoSource *scripted_daemon_expect_sources(ScriptedDaemon *daemon)
{
        return scripted_daemon_expect(daemon, IOD__FRAME__BODY_ADD_IO_SOURCE)->add_io_source;
}

void scripted_daemon_expect_nothing(ScriptedDaemon *daemon)
{
        process(daemon->handle, 0);
        if (wait_readable(daemon->socket_fd, 0))
                ck_abort_msg("%s came", frame_body_name(receive(daemon)->body_case));
}

void scripted_daemon_send(ScriptedDaemon *daemon, Iod__Frame *frame, const int *borrow_fds,
                          size_t n)
{
        uint8_t bytes[FRAME_BYTES_MAX];
        int size;

        if (frame->descriptors == 0)
                frame->descriptors = (uint32_t)n;
        size = frame_encode(frame, bytes);
        ck_assert_int_gt(size, 0);
        ck_assert_int_eq(frame_socket_send(daemon->socket_fd, bytes, (size_t)size, borrow_fds, n),
                         0);
}

void scripted_daemon_send_readiness(ScriptedDaemon *daemon, uint64_t id, Readiness bits)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Readiness body = IOD__READINESS__INIT;
        uint64_t event = io_id_pack(id, bits);

        body.n_event = 1;
        body.event = &event;
        frame.body_case = IOD__FRAME__BODY_READINESS;
        frame.readiness = &body;
        scripted_daemon_send(daemon, &frame, NULL, 0);
}

void scripted_daemon_send_done(ScriptedDaemon *daemon, uint32_t sequence)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Done body = IOD__DONE__INIT;

        frame.sequence = sequence;
        frame.body_case = IOD__FRAME__BODY_DONE;
        frame.done = &body;
        scripted_daemon_send(daemon, &frame, NULL, 0);
}

void scripted_daemon_send_refused(ScriptedDaemon *daemon, uint32_t sequence, int error,
                                  const char *text)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused body = IOD__REFUSED__INIT;

        body.error = error;
        body.text = (char *)text;
        frame.sequence = sequence;
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &body;
        scripted_daemon_send(daemon, &frame, NULL, 0);
}

void scripted_daemon_send_refused_source(ScriptedDaemon *daemon, uint64_t id, int error,
                                         const char *text)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused body = IOD__REFUSED__INIT;
        Iod__RefusedSource source = IOD__REFUSED_SOURCE__INIT;
        Iod__RefusedSource *sources[] = {&source};

        source.id = id;
        source.error = error;
        source.text = (char *)text;
        body.n_source = 1;
        body.source = sources;
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &body;
        scripted_daemon_send(daemon, &frame, NULL, 0);
}

void scripted_daemon_send_opened(ScriptedDaemon *daemon, uint32_t sequence, uint64_t id,
                                 int take_fd)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Opened body = IOD__OPENED__INIT;

        body.id = id;
        frame.sequence = sequence;
        frame.body_case = IOD__FRAME__BODY_OPENED;
        frame.opened = &body;
        scripted_daemon_send(daemon, &frame, &take_fd, 1);
        close(take_fd);
}

void scripted_daemon_send_joined(ScriptedDaemon *daemon, uint32_t sequence, uint32_t endpoint,
                                 const char *address)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Joined body = IOD__JOINED__INIT;

        body.endpoint = endpoint;
        body.address = (char *)address;
        frame.sequence = sequence;
        frame.body_case = IOD__FRAME__BODY_JOINED;
        frame.joined = &body;
        scripted_daemon_send(daemon, &frame, NULL, 0);
}

void scripted_daemon_send_connection(ScriptedDaemon *daemon, uint32_t endpoint, uint64_t id,
                                     int take_fd)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Connections body = IOD__CONNECTIONS__INIT;
        Iod__Connection connection = IOD__CONNECTION__INIT;
        Iod__Connection *connections[] = {&connection};

        connection.id = id;
        body.endpoint = endpoint;
        body.n_connection = 1;
        body.connection = connections;
        frame.body_case = IOD__FRAME__BODY_CONNECTIONS;
        frame.connections = &body;
        scripted_daemon_send(daemon, &frame, &take_fd, 1);
        close(take_fd);
}
