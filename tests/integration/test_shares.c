/*
 * Of what all users have together a user takes no more than is free, and the next one finds some:
 * users of their own, as root alone can be them.
 */
#include "core/cleanup.h"
#include "daemon/session/session_life.h"
#include "tests/support/config_file.h"
#include "tests/support/daemon.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/service_frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        FIRST_UID = 65111,
        USERS = 3,
        KEPT_MAX = 64,
        SESSIONS_MAX = 400,
};

static TestDaemon kyron_iod;
static ConfigFile config;
static FdList received;

static void set_up(void)
{
        config_file_make(&config);
        received.count = 0;
}

static void tear_down(void)
{
        fd_list_close(&received);
        config_file_remove(&config);
}

static void start(const char *option, const char *value)
{
        const char *options[] = {"--config", config.path, option, value, NULL};

        ck_assert_int_eq(chmod(config.directory, 0755), 0);
        ck_assert_int_eq(chmod(config.path, 0644), 0);
        test_daemon_start(&kyron_iod, options);
        ck_assert_int_eq(chmod(kyron_iod.directory, 0755), 0);
}

/* The kernel tells the daemon who a process was when it connected. */
static void connect_as(int user, RawClient *client)
{
        ck_assert_int_eq(seteuid((uid_t)(FIRST_UID + user)), 0);
        raw_client_connect(client, kyron_iod.socket_path);
        ck_assert_int_eq(seteuid(0), 0);
}

static void open_as(int user, RawClient *client)
{
        connect_as(user, client);
        raw_client_hello(client, 1, "test");
        raw_client_expect(client, IOD__FRAME__BODY_WELCOME);
}

/* How many it holds until it is refused, and what it is told then. */
static unsigned hold_all(RawClient *client, char sentence[static FRAME_TEXT_MAX])
{
        CLEANUP(cleanup_close) int fd = eventfd(0, EFD_CLOEXEC);

        for (unsigned n = 0;; n++) {
                Iod__Frame frame = IOD__FRAME__INIT;
                Iod__Hold hold = IOD__HOLD__INIT;
                char name[16];
                const Iod__Frame *answer;

                snprintf(name, sizeof(name), "hold-%u", n);
                hold.name = name;
                hold.time_to_live_ms = 600000;
                frame.sequence = n + 1;
                frame.body_case = IOD__FRAME__BODY_HOLD;
                frame.hold = &hold;
                service_send(client, &frame, &fd, 1);
                answer = raw_client_receive(client);
                ck_assert_ptr_nonnull(answer);
                if (answer->body_case == IOD__FRAME__BODY_DONE)
                        continue;
                ck_assert_int_eq(answer->body_case, IOD__FRAME__BODY_REFUSED);
                ck_assert_int_eq(answer->refused->error, EDQUOT);
                snprintf(sentence, FRAME_TEXT_MAX, "%s", answer->refused->text);
                return n;
        }
}

static int dial(const char *address)
{
        struct sockaddr_in there = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        unsigned port;

        ck_assert_int_eq(sscanf(address, "tcp:127.0.0.1:%u", &port), 1);
        there.sin_port = htons((uint16_t)port);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&there, sizeof(there)), 0);
        return fd;
}

/* What they hold, and a listener that is nobody's of theirs. */
START_TEST(what_one_user_has_kept_leaves_room_for_others_and_for_listeners)
{
        static const unsigned expected[USERS] = {32, 16, 8};
        static RawClient clients[USERS], worker;
        char sentence[FRAME_TEXT_MAX];
        const Iod__Frame *frame;
        int peer;

        if (geteuid() != 0)
                SKIP_TEST("only root can be several users");
        config_file_write(&config,
                          "max-descriptors = %d\n"
                          "policy \"user:*\" { hold = {\"*\"} serve = {\"web\"} }\n"
                          "listener \"web\" { address = \"tcp:127.0.0.1:0\" }\n",
                          KEPT_MAX);
        start(NULL, NULL);
        open_as(USERS, &worker);
        service_join(&worker, 1, "web", "", 0, 4, NULL);
        frame = service_receive(&worker, &received);
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_JOINED);
        for (int i = 0; i < USERS; i++) {
                open_as(i, &clients[i]);
                ck_assert_uint_eq(hold_all(&clients[i], sentence), expected[i]);
        }
        ck_assert_str_eq(sentence,
                         "56 of 64 kept descriptors of all users together; 8 are yours: end some");
        peer = dial(frame->joined->address);
        frame = service_receive(&worker, &received);
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_CONNECTIONS);
        close(peer);
        for (int i = 0; i < USERS; i++)
                raw_client_close(&clients[i]);
        raw_client_close(&worker);
        test_daemon_stop(&kyron_iod);
}
END_TEST

/* Whether the user has a session more, in *fd. One that is turned away may be so before it has said
 * anything. */
static bool open_another_as(int user, int *fd)
{
        static RawClient client;
        RawBytes body = {0}, hello = {0};
        const Iod__Frame *frame;

        connect_as(user, &client);
        raw_put_number(&body, RAW_HELLO_VERSION, 1);
        raw_put_frame(&hello, 0, 1, RAW_HELLO, &body);
        raw_client_send(&client, &hello, NULL, 0);
        frame = raw_client_receive(&client);
        ck_assert_ptr_nonnull(frame);
        *fd = client.socket_fd;
        if (frame->body_case == IOD__FRAME__BODY_WELCOME)
                return true;
        ck_assert_int_eq(frame->refused->error, EDQUOT);
        raw_client_close(&client);
        return false;
}

START_TEST(one_user_leaves_sessions_for_others)
{
        static const int expected[USERS] = {SESSIONS_MAX / 2, SESSIONS_MAX / 4, SESSIONS_FEW};
        static int fds[SESSIONS_MAX + 1];
        int all = 0;

        if (geteuid() != 0)
                SKIP_TEST("only root can be several users");
        config_file_write(&config, "max-sessions = %d\n", SESSIONS_MAX);
        start(NULL, NULL);
        for (int user = 0; user < USERS; user++) {
                int before = all;

                while (open_another_as(user, &fds[all]))
                        all++;
                ck_assert_int_eq(all - before, expected[user]);
        }
        for (int i = 0; i < all; i++)
                close(fds[i]);
        test_daemon_stop(&kyron_iod);
}
END_TEST

TEST_SUITE(test_shares)
{
        TCase *tcase = tcase_create("shares");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, what_one_user_has_kept_leaves_room_for_others_and_for_listeners);
        tcase_add_test(tcase, one_user_leaves_sessions_for_others);
        suite_add_tcase(suite, tcase);
}
