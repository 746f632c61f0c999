/* A process in the daemon's place. See lying_daemon.h. */
#include "tests/integration/lying_daemon.h"

#include "core/cleanup.h"
#include "proto/frame_socket.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

/* The next frame, valid until the one after; ends the process when there is none. */
static const Iod__Frame *receive(int fd, FrameArena *arena)
{
        uint8_t bytes[FRAME_BYTES_MAX];
        FdList fds = {.count = 0};
        Iod__Frame *frame;
        int size;

        if (!wait_readable(fd, DEADLINE_MS))
                _exit(0);
        size = frame_socket_receive(fd, bytes, sizeof(bytes), &fds);
        if (size <= 0 || frame_decode(arena, bytes, (size_t)size, 0, &frame) < 0)
                _exit(0);
        return frame;
}

static void send_frame(int fd, const Iod__Frame *frame)
{
        uint8_t bytes[FRAME_BYTES_MAX];
        int size = frame_encode(frame, bytes);

        if (size > 0)
                frame_socket_send(fd, bytes, (size_t)size, NULL, 0);
}

bool lying_daemon_answer(int fd, const Iod__Frame *request, Iod__Frame *frame)
{
        frame->sequence = request->sequence;
        send_frame(fd, frame);
        return true;
}

bool lying_daemon_done(int fd, const Iod__Frame *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Done done = IOD__DONE__INIT;

        frame.body_case = IOD__FRAME__BODY_DONE;
        frame.done = &done;
        return lying_daemon_answer(fd, request, &frame);
}

bool lying_daemon_refuse(int fd, const Iod__Frame *request, int error, const char *text)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused refused = IOD__REFUSED__INIT;

        refused.error = error;
        refused.text = (char *)text;
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &refused;
        return lying_daemon_answer(fd, request, &frame);
}

static void welcome(int fd, const Lie *lie)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Welcome body = IOD__WELCOME__INIT;

        body.version = lie->version ? lie->version : FRAME_PROTOCOL_VERSION;
        body.session = 1;
        body.registrations_max = 1;
        body.release = (char *)"9.9\033[7m";
        frame.body_case = IOD__FRAME__BODY_WELCOME;
        frame.welcome = &body;
        send_frame(fd, &frame);
}

static void serve(int listener, const Lie *lie)
{
        int fd = accept(listener, NULL, NULL);
        FrameArena *arena = malloc(sizeof(*arena));

        if (fd < 0 || !arena)
                _exit(1);
        frame_arena_init(arena);
        receive(fd, arena);
        welcome(fd, lie);
        for (;;) {
                const Iod__Frame *request = receive(fd, arena);

                if (lie->reply) {
                        if (!lie->reply(fd, request))
                                _exit(0);
                } else if (lie->bytes) {
                        frame_socket_send(fd, lie->bytes, strlen(lie->bytes), NULL, 0);
                } else if (lie->answer) {
                        Iod__Frame frame = *lie->answer;

                        frame.sequence = request->sequence + lie->sequence_offset;
                        send_frame(fd, &frame);
                } else {
                        _exit(0);
                }
        }
}

void lying_daemon_start(LyingDaemon *daemon, const Lie *lie)
{
        CLEANUP(cleanup_close) int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        daemon->directory = make_temp_dir();
        snprintf(daemon->socket_path, sizeof(daemon->socket_path), "%s/socket", daemon->directory);
        strcpy(address.sun_path, daemon->socket_path);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(listener, 1), 0);
        fflush(NULL);
        daemon->pid = fork();
        ck_assert_int_ge(daemon->pid, 0);
        if (daemon->pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                serve(listener, lie);
        }
}

void lying_daemon_stop(LyingDaemon *daemon)
{
        kill(daemon->pid, SIGKILL);
        ck_assert(wait_exit(daemon->pid, DEADLINE_MS, NULL));
        remove_temp_dir(STEAL_PTR(daemon->directory));
}
