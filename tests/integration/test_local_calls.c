/*
 * What a handle serves itself, without a daemon or in a direct session, costs no system call more
 * than a bare epoll loop: the same echo by either, in a child whose calls are counted. What they
 * differ in does not grow with the messages.
 */
#include "tests/support/call_count.h"
#include "tests/support/client.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        FEW = 50,
        MANY = 1050,
        /* Of a thousand rounds': the handle looks for a daemon now and then. */
        SPARE = 250,
        CONNECTIONS_MAX = 16,
        BUFFER = 64,
};

/* By whom. */
typedef enum Way {
        BARE, /* a loop on epoll */
        WITHOUT_DAEMON,
        DIRECT,
        WAYS,
} Way;

typedef struct Server Server;
typedef struct Echo Echo;

/* What is compared. The functions return 0, or the line that failed. */
typedef struct EchoKind {
        const char *name;
        int connections; /* that ask at once */
        void (*make_pair)(int ends[static 2]);
        int (*begin)(Server *server);           /* on the handle */
        int (*answer_bare)(int fd, Echo *echo); /* on an event */
} EchoKind;

/* Of one connection. */
struct Server {
        Echo *echo;
        int fd;
        KyronBridgedFd *bridged_fd;
        KyronTcpStream *stream;
        KyronUdpSocket *socket;
        KyronOperation operation;
        KyronOperation sending;
        struct sockaddr_storage from;
        socklen_t from_size;
        char buffer[BUFFER];
};

struct Echo {
        const EchoKind *kind;
        const char *socket_path;
        Way way;
        int rounds;
        int ends[CONNECTIONS_MAX][2]; /* [0] asks, and waits for the answer; [1] is served */
        int answered;                 /* in this round */
        KyronIoDriverHandle *handle;
        int set;
        Server servers[CONNECTIONS_MAX];
};

#define REQUIRE(condition)                                                                         \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        return __LINE__ % 255 + 1;                                                 \
        } while (0)

/* ---- A function that answers, and waits for more ------------------------------------------- */

static ssize_t receive_and_send(int borrow_fd, KyronOperation *operation)
{
        Server *server = operation->user;
        ssize_t n = recv(borrow_fd, server->buffer, BUFFER, 0);

        if (n > 0 && send(borrow_fd, server->buffer, (size_t)n, MSG_NOSIGNAL) == n)
                server->echo->answered++;
        return n > 0 || errno == EAGAIN ? -EAGAIN : -errno;
}

static void has_ended(KyronOperation *operation)
{
        fprintf(stderr, "an operation has ended with %zd\n", operation->result);
        _exit(1);
}

static int begin_function(Server *server)
{
        kyron_operation_init(&server->operation, has_ended, server);
        REQUIRE(kyron_bridged_fd_new(&server->bridged_fd, server->echo->handle, server->fd) == 0);
        REQUIRE(kyron_bridged_fd_async_call(server->bridged_fd, &server->operation, KYRON_READABLE,
                                            receive_and_send) == KYRON_PENDING);
        return 0;
}

static int answer_bare(int fd, Echo *echo)
{
        char buffer[BUFFER];
        ssize_t n = recv(fd, buffer, BUFFER, 0);

        REQUIRE(n > 0);
        REQUIRE(send(fd, buffer, (size_t)n, MSG_NOSIGNAL) == n);
        echo->answered++;
        return 0;
}

/* ---- Operations of a stream, which is read until there is nothing -------------------------- */

/* Until it has to wait. */
static int serve_stream(Server *server)
{
        int r;

        while ((r = kyron_tcp_stream_read(server->stream, &server->operation, server->buffer,
                                          BUFFER)) == 0) {
                REQUIRE(kyron_tcp_stream_write(server->stream, &server->sending, server->buffer,
                                               (size_t)server->operation.result) == 0);
                server->echo->answered++;
        }
        REQUIRE(r == KYRON_PENDING);
        return 0;
}

static void on_read(KyronOperation *operation)
{
        Server *server = operation->user;

        if (operation->result <= 0 ||
            kyron_tcp_stream_write(server->stream, &server->sending, server->buffer,
                                   (size_t)operation->result) != 0)
                has_ended(operation);
        server->echo->answered++;
        if (serve_stream(server) != 0)
                has_ended(operation);
}

static int answer_all_bare(int fd, Echo *echo)
{
        char buffer[BUFFER];
        ssize_t n;

        while ((n = recv(fd, buffer, BUFFER, 0)) > 0) {
                REQUIRE(send(fd, buffer, (size_t)n, MSG_NOSIGNAL) == n);
                echo->answered++;
        }
        REQUIRE(n < 0 && errno == EAGAIN);
        return 0;
}

static int begin_stream(Server *server)
{
        kyron_operation_init(&server->operation, on_read, server);
        kyron_operation_init(&server->sending, has_ended, server);
        REQUIRE(kyron_tcp_stream_from_fd(&server->stream, server->echo->handle, server->fd) == 0);
        return serve_stream(server);
}

/* ---- Datagrams, likewise ------------------------------------------------------------------- */

static void make_udp_pair(int ends[static 2])
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(address);

        for (int i = 0; i < 2; i++) {
                ends[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                ck_assert_int_ge(ends[i], 0);
        }
        ck_assert_int_eq(bind(ends[1], (struct sockaddr *)&address, size), 0);
        ck_assert_int_eq(getsockname(ends[1], (struct sockaddr *)&address, &size), 0);
        ck_assert_int_eq(connect(ends[0], (struct sockaddr *)&address, size), 0);
}

static int send_datagram(Server *server)
{
        REQUIRE(kyron_udp_socket_send_to(server->socket, &server->sending, server->buffer,
                                         (size_t)server->operation.result,
                                         (struct sockaddr *)&server->from, server->from_size) == 0);
        server->echo->answered++;
        return 0;
}

static int serve_datagrams(Server *server)
{
        int r;

        do {
                server->from_size = sizeof(server->from);
                r = kyron_udp_socket_recv_from(server->socket, &server->operation, server->buffer,
                                               BUFFER, (struct sockaddr *)&server->from,
                                               &server->from_size);
        } while (r == 0 && send_datagram(server) == 0);
        REQUIRE(r == KYRON_PENDING);
        return 0;
}

static void on_datagram(KyronOperation *operation)
{
        Server *server = operation->user;

        if (operation->result <= 0 || send_datagram(server) != 0 || serve_datagrams(server) != 0)
                has_ended(operation);
}

static int begin_datagrams(Server *server)
{
        kyron_operation_init(&server->operation, on_datagram, server);
        kyron_operation_init(&server->sending, has_ended, server);
        REQUIRE(kyron_udp_socket_from_fd(&server->socket, server->echo->handle, server->fd) == 0);
        return serve_datagrams(server);
}

static int answer_datagrams_bare(int fd, Echo *echo)
{
        struct sockaddr_storage from;
        socklen_t size = sizeof(from);
        char buffer[BUFFER];
        ssize_t n;

        while ((n = recvfrom(fd, buffer, BUFFER, 0, (struct sockaddr *)&from, &size)) > 0) {
                REQUIRE(sendto(fd, buffer, (size_t)n, 0, (struct sockaddr *)&from, size) == n);
                echo->answered++;
                size = sizeof(from);
        }
        REQUIRE(n < 0 && errno == EAGAIN);
        return 0;
}

/* ---- The child ----------------------------------------------------------------------------- */

static void make_unix_pair(int ends[static 2])
{
        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
}

static const EchoKind kinds[] = {
        {"a function", 1, make_unix_pair, begin_function, answer_bare},
        {"a function, of sixteen at once", 16, make_unix_pair, begin_function, answer_bare},
        {"reads and writes of a TCP stream", 1, tcp_pair, begin_stream, answer_all_bare},
        {"datagrams", 1, make_udp_pair, begin_datagrams, answer_datagrams_bare},
};

static int open_set(Echo *echo)
{
        echo->set = epoll_create1(EPOLL_CLOEXEC);
        REQUIRE(echo->set >= 0);
        return 0;
}

static int open_echo_handle(Echo *echo)
{
        const KyronOptions options = {
                .socket_path = echo->socket_path,
                .local_fallback = true,
                .outage_ms = -1,
                .delivery = KYRON_DELIVERY_DIRECT,
        };
        const KyronServedBy by = echo->way == DIRECT ? KYRON_SERVED_DIRECTLY : KYRON_SERVED_LOCALLY;
        Deadline end = deadline_in(DEADLINE_MS);

        unsetenv("KYRON_DELIVERY");
        REQUIRE(kyron_io_driver_handle_open(&echo->handle, &options) == 0);
        while (kyron_io_driver_handle_served_by(echo->handle) != by) {
                REQUIRE(deadline_left(end) > 0);
                REQUIRE(kyron_io_driver_handle_process_io(echo->handle, 0) >= 0);
        }
        return 0;
}

static int begin(Echo *echo)
{
        int r = echo->way == BARE ? open_set(echo) : open_echo_handle(echo);

        if (r != 0)
                return r;
        for (int i = 0; i < echo->kind->connections; i++) {
                Server *server = &echo->servers[i];
                struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = server};

                *server = (Server){.echo = echo, .fd = echo->ends[i][1]};
                if (echo->way != BARE)
                        r = echo->kind->begin(server);
                else if (epoll_ctl(echo->set, EPOLL_CTL_ADD, server->fd, &event) < 0)
                        r = errno;
                if (r != 0)
                        return r;
        }
        return 0;
}

/* One wait, and what comes of it. */
static int take_turn(Echo *echo)
{
        struct epoll_event events[CONNECTIONS_MAX];
        int n;

        if (echo->way != BARE) {
                REQUIRE(kyron_io_driver_handle_process_io(echo->handle, DEADLINE_MS) > 0);
                return 0;
        }
        n = epoll_wait(echo->set, events, CONNECTIONS_MAX, DEADLINE_MS);
        REQUIRE(n > 0);
        for (int i = 0; i < n; i++) {
                const Server *server = events[i].data.ptr;
                int r = echo->kind->answer_bare(server->fd, echo);

                if (r != 0)
                        return r;
        }
        return 0;
}

static int run(void *data)
{
        Echo *echo = data;
        char byte = 0;
        int r = begin(echo);

        for (int round = 0; r == 0 && round < echo->rounds; round++) {
                echo->answered = 0;
                for (int i = 0; i < echo->kind->connections; i++)
                        REQUIRE(write(echo->ends[i][0], "x", 1) == 1);
                while (r == 0 && echo->answered < echo->kind->connections)
                        r = take_turn(echo);
                for (int i = 0; r == 0 && i < echo->kind->connections; i++)
                        REQUIRE(read(echo->ends[i][0], &byte, 1) == 1);
        }
        return r;
}

/* ---- The tests ----------------------------------------------------------------------------- */

static const char *const ways[] = {"bare", "without a daemon", "direct"};

static TestDaemon kyron_iod;
static char *directory;

static void set_up(void)
{
        test_daemon_start(&kyron_iod, NULL);
        directory = make_temp_dir();
}

static void tear_down(void)
{
        remove_temp_dir(directory);
        test_daemon_stop(&kyron_iod);
}

/* false: it cannot be done here. */
static bool count_rounds(CallCount *count, const EchoKind *kind, Way way, int rounds)
{
        static Echo echo;
        char path[128];
        bool can_count;

        snprintf(path, sizeof(path), "%s/nobody", directory);
        echo = (Echo){
                .kind = kind,
                .way = way,
                .rounds = rounds,
                .socket_path = way == DIRECT ? kyron_iod.socket_path : path,
        };
        for (int i = 0; i < kind->connections; i++) {
                kind->make_pair(echo.ends[i]);
                ck_assert_int_eq(fcntl(echo.ends[i][0], F_SETFL, 0), 0);
        }
        can_count = call_count(count, run, &echo);
        for (int i = 0; i < kind->connections; i++) {
                close(echo.ends[i][0]);
                close(echo.ends[i][1]);
        }
        if (can_count)
                ck_assert_msg(WIFEXITED(count->status) && WEXITSTATUS(count->status) == 0,
                              "%s, %s: the child ended with %#x", kind->name, ways[way],
                              (unsigned)count->status);
        return can_count;
}

/* How many more for a thousand rounds more. */
static bool count_growth(int *growth, const EchoKind *kind, Way way)
{
        CallCount few, many;

        if (!count_rounds(&few, kind, way, FEW) || !count_rounds(&many, kind, way, MANY))
                return false;
        *growth = (int)many.total - (int)few.total;
        printf("%s, %s: %d calls more for %d rounds more\n", kind->name, ways[way], *growth,
               MANY - FEW);
        return true;
}

START_TEST(an_event_costs_no_call_more_than_in_a_bare_loop)
{
        const EchoKind *kind = &kinds[_i];
        int growth[WAYS];

        for (Way way = BARE; way < WAYS; way++) {
                if (!count_growth(&growth[way], kind, way))
                        SKIP_TEST("a child's calls cannot be counted here: %s", strerror(errno));
        }
        /* To ask, to wait, to read, to answer, and to read that: they were counted. */
        ck_assert_int_ge(growth[BARE], 5 * (MANY - FEW));
        for (Way way = WITHOUT_DAEMON; way < WAYS; way++)
                ck_assert_msg(growth[way] <= growth[BARE] + SPARE,
                              "%s: %d calls %s, and %d in a bare loop", kind->name, growth[way],
                              ways[way], growth[BARE]);
}
END_TEST

TEST_SUITE(test_local_calls)
{
        TCase *all = tcase_create("all");

        tcase_set_timeout(all, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(all, set_up, tear_down);
        tcase_add_loop_test(all, an_event_costs_no_call_more_than_in_a_bare_loop, 0,
                            sizeof(kinds) / sizeof(kinds[0]));
        suite_add_tcase(suite, all);
}
