/* Connecting to the daemon. See daemon_connection.h. */
#include "client/handle/daemon_connection.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "core/standard_descriptors.h"
#include "proto/frame.h"
#include "proto/frame_socket.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { DEFAULT_UNMAPPED_UID = 65534 };

const char *daemon_connection_path(const char *path)
{
        const char *from_environment = getenv("KYRON_SOCKET");

        if (path)
                return path;
        return from_environment && *from_environment ? from_environment : KYRON_DEFAULT_SOCKET;
}

static int say_why_not_connected(const char *path, int error)
{
        switch (error) {
        case ENOENT:
        case ENOTDIR:
                return error_set(error, "no daemon: start kyron-iod; there is no %s", path);
        case ECONNREFUSED:
                return error_set(ECONNREFUSED, "no daemon: start kyron-iod; nobody serves %s",
                                 path);
        case EACCES:
        case EPERM:
                return error_set(EACCES, "this user may not connect to %s", path);
        case EAGAIN:
                return error_set(ETIMEDOUT, "the daemon at %s does not accept", path);
        case EPROTOTYPE:
                return error_set(EPROTO, "%s is not kyron-iod's socket", path);
        default:
                return error_set(error, "%s: %s", path, strerror(error));
        }
}

/* Once it is known the name service is not asked again: not when the daemon comes back, which a
 * program notices in process_io. */
static bool is_daemon_user(uid_t uid)
{
        static atomic_llong known = -1;
        struct passwd entry, *found = NULL;
        char buffer[4096];

        if (known != (long long)uid &&
            getpwnam_r(KYRON_DAEMON_USER, &entry, buffer, sizeof(buffer), &found) == 0 && found)
                known = found->pw_uid;
        return known == (long long)uid;
}

/* Whether this is not a user's number, but what the kernel shows for all those that this user
 * namespace has none for: then nobody can tell who it is. */
static bool is_unmapped(uid_t uid)
{
        CLEANUP(cleanup_fclose) FILE *overflow = fopen("/proc/sys/kernel/overflowuid", "re");
        CLEANUP(cleanup_fclose) FILE *map = fopen("/proc/self/uid_map", "re");
        unsigned shown = DEFAULT_UNMAPPED_UID, first, outside, count;

        if (overflow && fscanf(overflow, "%u", &shown) != 1)
                shown = DEFAULT_UNMAPPED_UID;
        if (uid != shown || !map)
                return false;
        while (fscanf(map, "%u %u %u", &first, &outside, &count) == 3) {
                if (uid >= first && uid - first < count)
                        return false;
        }
        return true;
}

/* Whoever runs the program trusts this user too: the only way where the daemon is outside of its
 * user namespace, for nobody can tell there who it is. */
static bool is_trusted(uid_t uid)
{
        const char *text = secure_getenv("KYRON_DAEMON_UID");
        char *end;
        unsigned long trusted;

        if (!text || *text < '0' || *text > '9')
                return false;
        trusted = strtoul(text, &end, 10);
        return !*end && trusted == uid;
}

static int refuse_owner(uid_t uid, const char *path)
{
        if (is_unmapped(uid))
                return error_set(EACCES,
                                 "%s is served from outside this user namespace: "
                                 "KYRON_DAEMON_UID=%u trusts whoever can serve it",
                                 path, (unsigned)uid);
        return error_set(EACCES, "%s is served by user %u, not by root, you or " KYRON_DAEMON_USER,
                         path, (unsigned)uid);
}

/* Descriptors are handed over: only to root, ourselves, or the daemon's own user. */
static int check_owner(int fd, const char *path)
{
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return error_set(errno, "%s: %s", path, strerror(errno));
        if (peer.uid == 0 || is_trusted(peer.uid))
                return 0;
        if (!is_unmapped(peer.uid) && (peer.uid == geteuid() || is_daemon_user(peer.uid)))
                return 0;
        return refuse_owner(peer.uid, path);
}

/* waits: for as long as the daemon's backlog is full, at most DAEMON_CONNECTION_TIMEOUT_MS. */
static int connect_to(const char *path, bool waits)
{
        CLEANUP(cleanup_close) int fd = -1;
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        const struct timeval timeout = {.tv_sec = DAEMON_CONNECTION_TIMEOUT_MS / 1000};
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return error_set(ENAMETOOLONG, "a socket path has at most %zu bytes",
                                 sizeof(address.sun_path) - 1);
        strcpy(address.sun_path, path);
        fd = standard_descriptors_avoid(
                socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | (waits ? 0 : SOCK_NONBLOCK), 0));
        if (fd < 0)
                return error_set(errno, "no socket: %s", strerror(errno));
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
                return error_set(errno, "no socket: %s", strerror(errno));
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return say_why_not_connected(path, errno);
        r = check_owner(fd, path);
        return r < 0 ? r : STEAL_FD(fd);
}

int daemon_connection_wait(int borrow_fd, int timeout_ms)
{
        struct pollfd wait = {.fd = borrow_fd, .events = POLLIN};
        int n;

        do
                n = poll(&wait, 1, timeout_ms);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return error_set(errno, "poll: %s", strerror(errno));
        return n > 0 ? 0
                     : error_set(ETIMEDOUT, "the daemon has not answered within %d s",
                                 timeout_ms / 1000);
}

static int say_hello(int fd, const char *program, bool wants_pulse, uint64_t away_ms)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Hello hello = IOD__HELLO__INIT;
        uint8_t bytes[FRAME_BYTES_MAX];
        int size, r;

        hello.version = FRAME_PROTOCOL_VERSION;
        hello.answers = true;
        if (program)
                hello.program = (char *)program;
        hello.pulse = wants_pulse;
        hello.away_ms = away_ms;
        frame.body_case = IOD__FRAME__BODY_HELLO;
        frame.hello = &hello;
        size = frame_encode(&frame, bytes);
        if (size < 0)
                return size;
        r = frame_socket_send(fd, bytes, (size_t)size, NULL, 0);
        /* A daemon that turned us away has closed already; what it said is still to be read. */
        return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

static int take_welcome(DaemonConnection *connection, const Iod__Frame *frame, FdList *fds)
{
        const Iod__Welcome *welcome = frame->welcome;

        if (frame->body_case == IOD__FRAME__BODY_REFUSED && frame->refused->error > 0)
                return error_set(frame->refused->error, "%s", frame->refused->text);
        if (frame->body_case != IOD__FRAME__BODY_WELCOME || welcome->registrations_max == 0)
                return error_set(EPROTO, "the daemon answered Hello with %s",
                                 frame_body_name(frame->body_case));
        if (welcome->version != FRAME_PROTOCOL_VERSION)
                return error_set(EPROTONOSUPPORT, "the daemon speaks protocol version %u, not %d",
                                 welcome->version, FRAME_PROTOCOL_VERSION);
        connection->epoch = welcome->epoch;
        connection->session = welcome->session;
        connection->registrations_max = welcome->registrations_max;
        connection->deliveries = welcome->deliveries;
        connection->requests_max = welcome->requests_max;
        snprintf(connection->release, sizeof(connection->release), "%s", welcome->release);
        if (welcome->pulse && fds->count == 1)
                connection->pulse_fd = fd_list_steal(fds, 0);
        return 0;
}

int daemon_connection_finish(DaemonConnection *out, int borrow_fd)
{
        CLEANUP(cleanup_free) FrameArena *arena = malloc(sizeof(*arena));
        DaemonConnection connection = {.fd = borrow_fd, .pulse_fd = -1};
        uint8_t bytes[FRAME_BYTES_MAX];
        FdList fds = {.count = 0};
        Iod__Frame *frame;
        int size, r;

        if (!arena)
                return error_set(ENOMEM, "no memory");
        size = frame_socket_receive(borrow_fd, bytes, sizeof(bytes), &fds);
        /* Turned away with our Hello unread: the error comes first, what was said second. */
        if (size == -ECONNRESET)
                size = frame_socket_receive(borrow_fd, bytes, sizeof(bytes), &fds);
        frame_arena_init(arena);
        if (size == -EAGAIN)
                r = -EAGAIN;
        else if (size == -EMFILE)
                r = error_set(EMFILE, "no descriptors for a handle: %s", strerror(EMFILE));
        else if (size <= 0)
                r = error_set(EPROTO, "the daemon closed the connection without a word");
        else if (frame_decode(arena, bytes, (size_t)size, fds.count, &frame) < 0)
                r = -EPROTO; /* whatever was wrong: to who opens a handle it is nonsense */
        else
                r = take_welcome(&connection, frame, &fds);
        fd_list_close(&fds);
        if (r == 0)
                *out = connection;
        return r;
}

static int start(const char *path, const char *program, bool wants_pulse, uint64_t away_ms,
                 bool waits)
{
        CLEANUP(cleanup_close) int fd = -1;
        int r;

        if (program && strlen(program) > FRAME_PROGRAM_MAX)
                return error_set(EINVAL, "a program's name has at most %d bytes",
                                 FRAME_PROGRAM_MAX);
        fd = connect_to(daemon_connection_path(path), waits);
        if (fd < 0)
                return fd;
        r = say_hello(fd, program, wants_pulse, away_ms);
        if (r < 0)
                return error_set(-r, "the daemon does not take Hello: %s", strerror(-r));
        return STEAL_FD(fd);
}

int daemon_connection_start(const char *path, const char *program, bool wants_pulse,
                            uint64_t away_ms)
{
        return start(path, program, wants_pulse, away_ms, false);
}

int daemon_connection_open(DaemonConnection *out, const char *path, const char *program,
                           bool wants_pulse)
{
        CLEANUP(cleanup_close) int fd = start(path, program, wants_pulse, 0, true);
        int r;

        if (fd < 0)
                return fd;
        r = daemon_connection_wait(fd, DAEMON_CONNECTION_TIMEOUT_MS);
        if (r == 0)
                r = daemon_connection_finish(out, fd);
        if (r < 0)
                return r;
        STEAL_FD(fd);
        if (!wants_pulse && out->pulse_fd >= 0)
                close(STEAL_FD(out->pulse_fd));
        return 0;
}
