/*
 * daemon/socket_open: what is opened is where it was asked for and as it was asked for; what cannot
 * be opened is said with the way out, and nothing of anybody's is touched.
 */
#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/listen/socket_open.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { PORTS_TRIED = 20 };

static char *directory;
static SocketFile file;

static void set_up(void)
{
        directory = make_temp_dir();
}

static void tear_down(void)
{
        remove_temp_dir(directory);
}

static ListenerConfig listener(const char *text)
{
        ListenerConfig config = {.reuse_address = true, .mode = 0600};

        ck_assert_msg(address_parse(text, &config.address) == 0, "%s: %s", text, error_text());
        return config;
}

static ListenerConfig unix_listener(const char *name)
{
        char text[128];

        snprintf(text, sizeof(text), "unix:%s/%s", directory, name);
        return listener(text);
}

static int try_connect(const Address *address)
{
        CLEANUP(cleanup_close) int fd = -1;

        fd = socket(address->socket_address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return connect(fd, &address->socket_address.any, address->size) < 0 ? -errno : 0;
}

static bool answers(const char *host, unsigned port)
{
        char text[64];
        Address address;

        snprintf(text, sizeof(text), "tcp:%s:%u", host, port);
        ck_assert_int_eq(address_parse(text, &address), 0);
        return try_connect(&address) == 0;
}

static int option_of(int fd, int level, int option)
{
        int value = -1;
        socklen_t size = sizeof(value);

        ck_assert_int_eq(getsockopt(fd, level, option, &value, &size), 0);
        return value;
}

static mode_t mode_of(const Address *address)
{
        struct stat status;

        ck_assert_int_eq(lstat(address->socket_address.un.sun_path, &status), 0);
        return status.st_mode;
}

static const struct {
        const char *address;
        const char *bound; /* %u is the port */
        bool v6_only;
        bool v4;
        bool v6;
} tcp[] = {
        {"tcp:127.0.0.1:0", "tcp:127.0.0.1:%u", false, true, false},
        {"tcp:[::1]:0", "tcp:[::1]:%u", false, false, true},
        {"tcp:*:0", "tcp:*:%u", false, true, true},
        {"tcp:*:0", "tcp:*:%u", true, false, true},
        {"tcp:0.0.0.0:0", "tcp:0.0.0.0:%u", false, true, false},
        {"tcp:[::]:0", "tcp:[::]:%u", false, true, true},
        {"tcp:[::]:0", "tcp:[::]:%u", true, false, true},
};

START_TEST(a_tcp_listener_is_where_it_was_asked_for)
{
        ListenerConfig config = listener(tcp[_i].address);
        CLEANUP(cleanup_close) int fd = -1;
        char expected[ADDRESS_TEXT_MAX];
        char text[ADDRESS_TEXT_MAX];
        bool is_there = false;
        Address bound;

        config.v6_only = tcp[_i].v6_only;
        /* Another family's port of that number may be somebody else's. */
        for (int i = 0; i < PORTS_TRIED && !is_there; i++) {
                cleanup_close(&fd);
                fd = socket_open_listener(&config, &bound, &file);
                ck_assert_msg(fd >= 0, "%s", error_text());
                is_there = answers("127.0.0.1", bound.port) == tcp[_i].v4 &&
                           answers("[::1]", bound.port) == tcp[_i].v6;
        }
        ck_assert(is_there);
        ck_assert_uint_ne(bound.port, 0);
        snprintf(expected, sizeof(expected), tcp[_i].bound, (unsigned)bound.port);
        address_format(&bound, text);
        ck_assert_str_eq(text, expected);
        ck_assert_int_eq(try_connect(&bound), 0);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
        ck_assert_int_eq(option_of(fd, SOL_SOCKET, SO_REUSEADDR), 1);
}
END_TEST

START_TEST(options_are_set_as_asked_for)
{
        ListenerConfig config = listener("tcp:127.0.0.1:0");
        CLEANUP(cleanup_close) int fd = -1;
        int ends[2];
        Address bound;

        config.reuse_address = false;
        fd = socket_open_listener(&config, &bound, &file);
        ck_assert_int_eq(option_of(fd, SOL_SOCKET, SO_REUSEADDR), 0);

        for (int i = 0; i < 4; i++) {
                config.nodelay = i & 1;
                config.keepalive = i & 2;
                tcp_pair(ends);
                socket_prepare_accepted(ends[1], &config);
                ck_assert_int_eq(option_of(ends[1], IPPROTO_TCP, TCP_NODELAY) != 0, config.nodelay);
                ck_assert_int_eq(option_of(ends[1], SOL_SOCKET, SO_KEEPALIVE) != 0,
                                 config.keepalive);
                close(ends[0]);
                close(ends[1]);
        }
}
END_TEST

/* How many connections a listener takes that nobody accepts from. */
static int room_of(const Address *address, int at_most)
{
        int room = 0;

        for (; room < at_most; room++) {
                int fd = socket(address->socket_address.any.sa_family,
                                SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

                (void)connect(fd, &address->socket_address.any, address->size);
                if (!wait_writable(fd, 50))
                        return room;
        }
        return room;
}

START_TEST(the_backlog_is_as_asked_for_and_else_large)
{
        ListenerConfig config = listener("tcp:127.0.0.1:0");
        Address bound;

        config.backlog = 3;
        ck_assert_int_ge(socket_open_listener(&config, &bound, &file), 0);
        ck_assert_int_eq(room_of(&bound, 100), 4);
        config.backlog = 0;
        ck_assert_int_ge(socket_open_listener(&config, &bound, &file), 0);
        ck_assert_int_eq(room_of(&bound, 100), 100);
        config.backlog = UINT32_MAX;
        ck_assert_int_ge(socket_open_listener(&config, &bound, &file), 0);
        ck_assert_int_eq(room_of(&bound, 100), 100);
}
END_TEST

static void check_failure(const ListenerConfig *config, int result, const char *sentence)
{
        size_t before = count_descriptors();
        Address bound;

        ck_assert_int_eq(socket_open_listener(config, &bound, &file), result);
        ck_assert_str_eq(error_text(), sentence);
        ck_assert_uint_eq(count_descriptors(), before);
}

START_TEST(an_address_in_use_is_said)
{
        ListenerConfig config = listener("tcp:127.0.0.1:0");
        char sentence[128];
        Address bound;

        ck_assert_int_ge(socket_open_listener(&config, &bound, &file), 0);
        config.address = bound;
        snprintf(sentence, sizeof(sentence), "address in use: tcp:127.0.0.1:%u", bound.port);
        check_failure(&config, -EADDRINUSE, sentence);
}
END_TEST

static const struct {
        const char *address;
        int result;
        const char *sentence;
} impossible[] = {
        {"tcp:192.0.2.1:0", -EADDRNOTAVAIL, "not an address of this machine: tcp:192.0.2.1:0"},
        {"tcp:[2001:db8::1]:0", -EADDRNOTAVAIL,
         "not an address of this machine: tcp:[2001:db8::1]:0"},
        {"tcp:example.org:80", -EINVAL, "a number or \"*\" is needed, not the name example.org"},
        {"udp:127.0.0.1:0", -EAFNOSUPPORT, "udp: addresses are bound, not listened on"},
        {"unix:/no/such/directory/socket", -ENOENT,
         "No such file or directory: unix:/no/such/directory/socket"},
};

START_TEST(what_cannot_be_listened_on_is_said)
{
        ListenerConfig config = listener(impossible[_i].address);

        check_failure(&config, impossible[_i].result, impossible[_i].sentence);
}
END_TEST

START_TEST(a_low_port_names_the_capability)
{
        ListenerConfig config = listener("tcp:127.0.0.1:1");
        int status;
        pid_t child;
        FILE *ports = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
        unsigned first = 1024;

        if (ports && fscanf(ports, "%u", &first) != 1)
                first = 1024;
        if (ports)
                fclose(ports);
        if (first <= 1)
                SKIP_TEST("every port is anybody's here");
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                if (geteuid() == 0 && setuid(65534) < 0)
                        _exit(2);
                check_failure(&config, -EACCES,
                              "the daemon needs CAP_NET_BIND_SERVICE for tcp:127.0.0.1:1");
                _exit(0);
        }
        ck_assert(wait_exit(child, DEADLINE_MS, &status));
        ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_unix_listener_has_its_mode_whatever_the_umask)
{
        static const mode_t modes[] = {0600, 0660, 0666, 0777, 0};
        ListenerConfig config = unix_listener("socket");
        CLEANUP(cleanup_close) int fd = -1;
        mode_t odd = _i % 2 ? 0777 : 0;
        Address bound;

        umask(odd);
        config.mode = modes[_i / 2];
        fd = socket_open_listener(&config, &bound, &file);
        ck_assert_msg(fd >= 0, "%s", error_text());
        ck_assert_uint_eq(mode_of(&bound), S_IFSOCK | config.mode);
        ck_assert_uint_eq(umask(0), odd);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
        ck_assert_int_eq(option_of(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
}
END_TEST

START_TEST(a_unix_file_nobody_serves_is_replaced)
{
        ListenerConfig config = unix_listener("socket");
        Address bound;

        for (int i = 0; i < 3; i++) {
                int fd = socket_open_listener(&config, &bound, &file);

                ck_assert_msg(fd >= 0, "%s", error_text());
                ck_assert_int_eq(try_connect(&bound), 0);
                close(fd);
                ck_assert_int_eq(try_connect(&bound), -ECONNREFUSED);
        }
}
END_TEST

START_TEST(a_unix_file_somebody_serves_is_left_alone)
{
        static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};
        ListenerConfig config = unix_listener("socket");
        char sentence[160];
        int fd = socket(AF_UNIX, types[_i] | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(bind(fd, &config.address.socket_address.any, config.address.size), 0);
        if (types[_i] != SOCK_DGRAM)
                ck_assert_int_eq(listen(fd, 0), 0);
        snprintf(sentence, sizeof(sentence), "address in use: unix:%s/socket", directory);
        /* Also with its queue full. */
        for (int i = 0; i < 3; i++)
                check_failure(&config, -EADDRINUSE, sentence);
        mode_of(&config.address);
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
        ListenerConfig config = unix_listener("file");
        const char *path = config.address.socket_address.un.sun_path;
        char sentence[160];

        snprintf(sentence, sizeof(sentence), "no socket, move it away: unix:%s", path);
        if (_i == 0)
                close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        else if (_i == 1)
                ck_assert_int_eq(symlink("nowhere", path), 0);
        else
                ck_assert_int_eq(mkfifo(path, 0600), 0);
        check_failure(&config, -EEXIST, sentence);
        ck_assert(!S_ISSOCK(mode_of(&config.address)));
}
END_TEST

START_TEST(an_abstract_name_has_no_file)
{
        char text[64];
        ListenerConfig config;
        Address bound;
        int fd;

        snprintf(text, sizeof(text), "unix:@kyron-test-%d", (int)getpid());
        config = listener(text);
        fd = socket_open_listener(&config, &bound, &file);
        ck_assert_msg(fd >= 0, "%s", error_text());
        ck_assert_int_eq(try_connect(&bound), 0);
        ck_assert_int_eq(socket_open_listener(&config, &bound, &file), -EADDRINUSE);
        ck_assert_int_eq(socket_file_remove(&config, &file), 0);
        close(fd);
        ck_assert_int_eq(try_connect(&config.address), -ECONNREFUSED);
}
END_TEST

static const struct {
        const char *address;
        const char *bound;
        int v6_only; /* -1: not asked */
} udp[] = {
        {"udp:127.0.0.1:0", "udp:127.0.0.1:%u", -1},
        {"udp:[::1]:0", "udp:[::1]:%u", -1},
        {"udp:*:0", "udp:*:%u", 0},
};

START_TEST(a_udp_socket_is_bound_where_it_was_asked_for)
{
        CLEANUP(cleanup_close) int fd = -1;
        char expected[ADDRESS_TEXT_MAX];
        char text[ADDRESS_TEXT_MAX];
        Address address, bound;

        ck_assert_int_eq(address_parse(udp[_i].address, &address), 0);
        fd = socket_open_udp(&address, &bound);
        ck_assert_msg(fd >= 0, "%s", error_text());
        ck_assert_uint_ne(bound.port, 0);
        snprintf(expected, sizeof(expected), udp[_i].bound, (unsigned)bound.port);
        address_format(&bound, text);
        ck_assert_str_eq(text, expected);
        ck_assert_int_eq(option_of(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
        if (udp[_i].v6_only >= 0)
                ck_assert_int_eq(option_of(fd, IPPROTO_IPV6, IPV6_V6ONLY), udp[_i].v6_only);
        /* Taken: nobody gets it a second time. */
        ck_assert_int_eq(socket_open_udp(&bound, &address), -EADDRINUSE);
}
END_TEST

START_TEST(what_cannot_be_bound_is_said)
{
        static const struct {
                const char *address;
                int result;
                const char *sentence;
        } cases[] = {
                {"tcp:127.0.0.1:0", -EAFNOSUPPORT, "only udp: addresses can be bound"},
                {"unix:/run/some/socket", -EAFNOSUPPORT, "only udp: addresses can be bound"},
                {"udp:example.org:53", -EINVAL,
                 "a number or \"*\" is needed, not the name example.org"},
                {"udp:192.0.2.1:0", -EADDRNOTAVAIL,
                 "not an address of this machine: udp:192.0.2.1:0"},
        };
        size_t before = count_descriptors();
        Address address, bound;

        ck_assert_int_eq(address_parse(cases[_i].address, &address), 0);
        ck_assert_int_eq(socket_open_udp(&address, &bound), cases[_i].result);
        ck_assert_str_eq(error_text(), cases[_i].sentence);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

TEST_SUITE(test_socket_open)
{
        TCase *opening = tcase_create("opening");

        tcase_add_checked_fixture(opening, set_up, tear_down);
        tcase_add_loop_test(opening, a_tcp_listener_is_where_it_was_asked_for, 0, COUNT(tcp));
        tcase_add_test(opening, options_are_set_as_asked_for);
        tcase_add_test(opening, the_backlog_is_as_asked_for_and_else_large);
        tcase_add_test(opening, an_address_in_use_is_said);
        tcase_add_loop_test(opening, what_cannot_be_listened_on_is_said, 0, COUNT(impossible));
        tcase_add_test(opening, a_low_port_names_the_capability);
        tcase_add_loop_test(opening, a_unix_listener_has_its_mode_whatever_the_umask, 0, 10);
        tcase_add_test(opening, a_unix_file_nobody_serves_is_replaced);
        tcase_add_loop_test(opening, a_unix_file_somebody_serves_is_left_alone, 0, 3);
        tcase_add_loop_test(opening, what_is_no_socket_is_left_alone, 0, 3);
        tcase_add_test(opening, an_abstract_name_has_no_file);
        tcase_add_loop_test(opening, a_udp_socket_is_bound_where_it_was_asked_for, 0, COUNT(udp));
        tcase_add_loop_test(opening, what_cannot_be_bound_is_said, 0, 4);
        tcase_set_timeout(opening, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, opening);
}
