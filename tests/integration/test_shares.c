/*
 * Of what all users have together a user takes no more than is free, and the next one finds some:
 * users of their own, as root alone can be them.
 */
#include "core/cleanup.h"
#include "core/clock.h"
#include "daemon/hold/hold_store.h"
#include "daemon/session/session_life.h"
#include "tests/support/config_file.h"
#include "tests/support/daemon.h"
#include "tests/support/deadline.h"
#include "tests/support/fake_manager.h"
#include "tests/support/fixture.h"
#include "tests/support/service_frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
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

#if HAVE_SYSTEMD

static FakeManager manager;

static void hold_or_take(RawClient *client, const char *name, bool takes)
{
        CLEANUP(cleanup_close) int fd = eventfd(0, EFD_CLOEXEC);
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Hold hold = IOD__HOLD__INIT;
        Iod__TakeHeld take = IOD__TAKE_HELD__INIT;
        const Iod__Frame *answer;

        hold.name = take.name = (char *)name;
        hold.time_to_live_ms = 600000;
        frame.sequence = 1;
        frame.body_case = takes ? IOD__FRAME__BODY_TAKE_HELD : IOD__FRAME__BODY_HOLD;
        if (takes)
                frame.take_held = &take;
        else
                frame.hold = &hold;
        service_send(client, &frame, &fd, takes ? 0 : 1);
        fd_list_close(&received);
        answer = service_receive(client, &received);
        ck_assert_ptr_nonnull(answer);
        ck_assert_int_eq(answer->body_case, takes ? IOD__FRAME__BODY_HELD : IOD__FRAME__BODY_DONE);
}

static void start_manager(void)
{
        const char *options[] = {"--config", config.path, NULL};

        config_file_write(&config, "policy \"user:*\" { hold = {\"*\"} }\n");
        ck_assert_int_eq(chmod(config.directory, 0755), 0);
        ck_assert_int_eq(chmod(config.path, 0644), 0);
        fake_manager_open(&manager, options);
        fake_manager_start(&manager);
        ck_assert_int_eq(chmod(manager.daemon.directory, 0755), 0);
        ck_assert_int_eq(chmod(manager.daemon.socket_path, 0666), 0);
        kyron_iod = manager.daemon;
}

/* All that may be held: what is beyond the pace comes into the store at the end. */
START_TEST(one_user_leaves_room_in_the_store_for_others)
{
        enum { HOLDS = 200, STORE_MAX = 512 };
        static RawClient client;
        size_t stored;

        if (geteuid() != 0)
                SKIP_TEST("only root can be several users");
        ck_assert_int_eq(setenv("FDSTORE", "512", 1), 0);
        start_manager();
        for (int user = 0; user < 2; user++) {
                open_as(user, &client);
                for (int i = 0; i < HOLDS; i++) {
                        char name[16];

                        snprintf(name, sizeof(name), "hold-%d", i);
                        hold_or_take(&client, name, false);
                }
                raw_client_close(&client);
        }
        fake_manager_end(&manager, SIGTERM);
        stored = fake_manager_count(&manager, "owned-hold-");
        ck_assert_uint_gt(stored, STORE_MAX / 2);
        ck_assert_uint_le(stored, STORE_MAX * 3 / 4 + 2);
        fake_manager_close(&manager);
}
END_TEST

START_TEST(who_holds_and_takes_over_and_over_does_not_keep_systemd_busy)
{
        enum { ROUNDS = 1000 };
        static RawClient client;
        uint64_t began, seconds;

        if (geteuid() != 0)
                SKIP_TEST("only root can be several users");
        start_manager();
        began = clock_now_ms();
        open_as(0, &client);
        for (int i = 0; i < ROUNDS; i++) {
                hold_or_take(&client, "x", false);
                hold_or_take(&client, "x", true);
        }
        raw_client_close(&client);
        fake_manager_settle(&manager);
        seconds = (clock_now_ms() - began) / 1000 + 1;
        /* Each is stored and forgotten. */
        ck_assert_uint_le(manager.messages,
                          2 * (HOLD_STORES_AT_ONCE + seconds * HOLD_STORES_PER_SECOND) + 20);
        fake_manager_end(&manager, SIGTERM);
        ck_assert_uint_eq(fake_manager_count(&manager, "owned-"), 0);
        fake_manager_close(&manager);
}
END_TEST

#endif

TEST_SUITE(test_shares)
{
        TCase *tcase = tcase_create("shares");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, what_one_user_has_kept_leaves_room_for_others_and_for_listeners);
        tcase_add_test(tcase, one_user_leaves_sessions_for_others);
#if HAVE_SYSTEMD
        tcase_add_test(tcase, one_user_leaves_room_in_the_store_for_others);
        tcase_add_test(tcase, who_holds_and_takes_over_and_over_does_not_keep_systemd_busy);
#endif
        suite_add_tcase(suite, tcase);
}
