/*
 * daemon/opening: what is asked for is opened, registered and passed; whatever way a request ends,
 * it is answered once, and neither a descriptor nor a charge stays.
 */
#include "daemon/requests/opening.h"
#include "daemon/session/session_life.h"

#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CYCLES = 1000 };

static void ask_to_connect(uint32_t sequence, const char *address, uint64_t source)
{
        SCENE_SEND(0, sequence, CONNECT, connect,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__connect__descriptor),
                    .address = (char *)address,
                    .source = source});
}

static void ask_to_bind(uint32_t sequence, const char *address)
{
        SCENE_SEND(0, sequence, BIND, bind,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__bind__descriptor),
                    .address = (char *)address,
                    .source = raw_source(3, sequence, 1)});
}

static void ask_to_take(uint32_t sequence, const char *name, const char *address)
{
        SCENE_SEND(0, sequence, TAKE_LISTENER, take_listener,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__take_listener__descriptor),
                    .name = (char *)name,
                    .address = (char *)address});
}

static void cancel(uint32_t request)
{
        SCENE_SEND(0, 0, CANCEL, cancel,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__cancel__descriptor), .request = request});
}

/* A peer that listens on loopback; its address. */
/* A port that nobody else gets, where nobody answers. */
static int bind_somewhere(char text[static ADDRESS_TEXT_MAX])
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
        snprintf(text, ADDRESS_TEXT_MAX, "tcp:127.0.0.1:%u", ntohs(address.sin_port));
        return fd;
}

static int listen_somewhere(char text[static ADDRESS_TEXT_MAX])
{
        int fd = bind_somewhere(text);

        ck_assert_int_eq(listen(fd, 1000), 0);
        return fd;
}

static void expect_nothing_left(void)
{
        const QuotaUser *user = TAILQ_FIRST(&inner.daemon->sessions.list)->user;

        inner_server_settle();
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        ck_assert_uint_eq(user->used[QUOTA_CONNECTS], 0);
        ck_assert(TAILQ_EMPTY(&TAILQ_FIRST(&inner.daemon->sessions.list)->connects));
}

static void open_first(void)
{
        sharing_scene_set_up();
        scene_open(0);
}

/* ---- connect ---- */

START_TEST(a_connection_is_opened_registered_and_passed)
{
        char address[ADDRESS_TEXT_MAX];
        int listener = listen_somewhere(address);
        const Iod__Frame *frame;

        ask_to_connect(4, address, raw_source(2, 1, 3));
        frame = scene_await(0, IOD__FRAME__BODY_OPENED);
        ck_assert_uint_eq(frame->sequence, 4);
        ck_assert_uint_eq(frame->opened->id, io_id_make(2, 1));
        ck_assert_str_eq(frame->opened->address, address);
        ck_assert_uint_eq(sharing.received.count, 1);
        ck_assert_int_eq(write(fd_list_borrow(&sharing.received, 0), "x", 1), 1);
        ck_assert_uint_eq(TAILQ_FIRST(&inner.daemon->sessions.list)->registrations.count, 1);
        expect_nothing_left();
        close(listener);
}
END_TEST

START_TEST(nobody_there_is_refused)
{
        char address[ADDRESS_TEXT_MAX];
        int bound = bind_somewhere(address);

        ask_to_connect(4, address, 0);
        ck_assert_int_eq(scene_await(0, IOD__FRAME__BODY_REFUSED)->refused->error, ECONNREFUSED);
        ck_assert_uint_eq(inner.daemon->sessions.not_done[NOT_DONE_FAILED], 1);
        ck_assert_uint_eq(inner.daemon->sessions.not_done[NOT_DONE_REFUSED], 0);
        expect_nothing_left();
        close(bound);
}
END_TEST

static const struct BadAddress {
        const char *address;
        int error;
        const char *sentence; /* NULL: not ours */
} bad_connects[] = {
        {"unix:/run/socket", EAFNOSUPPORT,
         "connecting to unix: would lend the daemon's identity: do it yourself"},
        {"udp:127.0.0.1:53", EAFNOSUPPORT, "udp: is bound, not connected to: use bind"},
        {"tcp:192.0.2.1:80", EACCES, NULL},
        {"tcp:127.0.0.1", EINVAL, NULL},
        {"tcp:127.0.0.1:0", EINVAL, NULL},
        {"", EINVAL, NULL},
};

START_TEST(what_may_not_be_connected_to_is_refused_at_once)
{
        const char *sentence;

        ask_to_connect(4, bad_connects[_i].address, 0);
        sentence = scene_expect_refused(0, 4, bad_connects[_i].error);
        if (bad_connects[_i].sentence)
                ck_assert_str_eq(sentence, bad_connects[_i].sentence);
        expect_nothing_left();
}
END_TEST

START_TEST(a_time_limit_over_ten_minutes_is_refused)
{
        SCENE_SEND(0, 4, CONNECT, connect,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__connect__descriptor),
                    .address = (char *)"tcp:127.0.0.1:1",
                    .timeout_ms = 600001});
        scene_expect_refused(0, 4, EINVAL);
}
END_TEST

/* Where nobody else is let in: one waits to be accepted, and there is room for no more. */
static int listen_without_room(char text[static ADDRESS_TEXT_MAX], int *waiting)
{
        struct sockaddr_in address;
        socklen_t size = sizeof(address);
        int fd = bind_somewhere(text);

        ck_assert_int_eq(listen(fd, 0), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
        *waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(*waiting, (struct sockaddr *)&address, size), 0);
        return fd;
}

START_TEST(a_connect_is_cancelled_before_it_ends)
{
        char address[ADDRESS_TEXT_MAX];
        int waiting, listener = listen_without_room(address, &waiting);

        ask_to_connect(4, address, 0);
        cancel(3);
        cancel(4);
        ck_assert_str_eq(scene_expect_refused(0, 4, ECANCELED), "cancelled as asked for");
        cancel(4);
        ck_assert_ptr_null(scene_next(0));
        ck_assert_uint_eq(inner.daemon->sessions.not_done[NOT_DONE_REFUSED], 0);
        ck_assert_uint_eq(inner.daemon->sessions.not_done[NOT_DONE_CANCELLED], 1);
        expect_nothing_left();
        close(listener);
        close(waiting);
}
END_TEST

START_TEST(connects_are_charged_and_limited)
{
        char address[ADDRESS_TEXT_MAX];
        int listener = listen_somewhere(address);
        QuotaUser *user = TAILQ_FIRST(&inner.daemon->sessions.list)->user;

        user->used[QUOTA_CONNECTS] = user->limits[QUOTA_CONNECTS];
        ask_to_connect(4, address, 0);
        scene_expect_refused(0, 4, EDQUOT);
        user->used[QUOTA_CONNECTS] = 0;
        inner.daemon->kept.max = 0;
        ask_to_connect(5, address, 0);
        ck_assert_str_eq(scene_expect_refused(0, 5, EDQUOT),
                         "0 of 0 kept descriptors of all users together; 0 are yours: try later");
        expect_nothing_left();
        close(listener);
}
END_TEST

START_TEST(a_session_that_ends_takes_its_connects_along)
{
        char address[ADDRESS_TEXT_MAX];
        int listener = listen_somewhere(address);

        ask_to_connect(4, address, 0);
        while (TAILQ_EMPTY(&TAILQ_FIRST(&inner.daemon->sessions.list)->connects))
                inner_server_turn();
        session_free(TAILQ_FIRST(&inner.daemon->sessions.list));
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        inner_server_settle();
        close(listener);
}
END_TEST

/* ---- bind ---- */

START_TEST(a_socket_is_bound_where_it_was_asked_for)
{
        struct sockaddr_in bound;
        socklen_t size = sizeof(bound);
        char address[ADDRESS_TEXT_MAX];
        const Iod__Frame *frame;

        ask_to_bind(4, "udp:127.0.0.1:0");
        frame = scene_expect(0, IOD__FRAME__BODY_OPENED);
        ck_assert_uint_eq(frame->opened->id, io_id_make(3, 4));
        ck_assert_int_eq(
                getsockname(fd_list_borrow(&sharing.received, 0), (struct sockaddr *)&bound, &size),
                0);
        snprintf(address, sizeof(address), "udp:127.0.0.1:%u", ntohs(bound.sin_port));
        ck_assert_str_eq(frame->opened->address, address);
        expect_nothing_left();
}
END_TEST

static const struct BadAddress bad_binds[] = {
        {"tcp:127.0.0.1:0", EINVAL, "bind takes udp: addresses: join or take a listener"},
        {"unix:/x", EINVAL, "bind takes udp: addresses: join or take a listener"},
        {"udp:localhost:0", EINVAL, "bind takes a number or *, not the name localhost"},
        {"udp:192.0.2.1:53", EACCES, NULL},
        {"udp:*:53", EACCES, NULL},
};

START_TEST(what_may_not_be_bound_is_refused)
{
        const char *sentence;

        ask_to_bind(4, bad_binds[_i].address);
        sentence = scene_expect_refused(0, 4, bad_binds[_i].error);
        if (bad_binds[_i].sentence)
                ck_assert_str_eq(sentence, bad_binds[_i].sentence);
        expect_nothing_left();
}
END_TEST

/* ---- taking a listener ---- */

START_TEST(a_listener_is_taken_twice_and_accepted_from)
{
        const Iod__Frame *frame;
        int peer, fd;

        ask_to_take(4, "web", "tcp:127.0.0.1:0");
        frame = scene_expect(0, IOD__FRAME__BODY_OPENED);
        ck_assert_str_eq(frame->opened->address, scene_listener()->address);
        fd = fd_list_steal(&sharing.received, 0);
        peer = scene_dial();
        ck_assert_ptr_null(scene_next(0));
        ck_assert_uint_eq(scene_listener()->accepted, 0);
        close(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
        close(peer);
        ask_to_take(5, "web", "");
        scene_await(0, IOD__FRAME__BODY_OPENED);
        /* One taker, however often it takes. */
        ck_assert_ptr_null(TAILQ_NEXT(TAILQ_FIRST(&scene_listener()->group.workers), link));
        close(fd);
        expect_nothing_left();
}
END_TEST

START_TEST(what_is_shared_is_not_taken_and_what_there_is_not_neither)
{
        ask_to_take(4, "web", "");
        scene_expect_refused(0, 4, ENOENT);
        scene_join(1, 1, NULL);
        ask_to_take(5, "web", "");
        ck_assert_str_eq(scene_expect_refused(0, 5, EINVAL), "listener web is shared: join it");
}
END_TEST

START_TEST(a_take_without_room_leaves_no_listener_behind)
{
        int next;

        inner.daemon->kept.max = 0;
        ask_to_take(4, "web", "tcp:127.0.0.1:0");
        scene_expect_refused(0, 4, EDQUOT);
        ck_assert_uint_eq(inner.daemon->listeners.count, 0);
        inner.daemon->kept.max = 100;
        next = dup(0);
        close(next);
        if (!limit_descriptors(next + 1))
                SKIP_TEST("descriptors cannot be limited here");
        ask_to_take(5, "web", "tcp:127.0.0.1:0");
        inner_server_settle();
        unlimit_descriptors();
        scene_expect_refused(0, 5, EMFILE);
        ck_assert_uint_eq(inner.daemon->listeners.count, 0);
        expect_nothing_left();
}
END_TEST

/* ---- what is left ---- */

/* One of each kind of request, finished, failed and cancelled. */
/* It may be connected before it is cancelled. */
static void await_the_cancelled(void)
{
        const Iod__Frame *frame;

        ck_assert(WAIT_UNTIL((frame = scene_next(0)) != NULL, DEADLINE_MS));
        ck_assert(frame->body_case == IOD__FRAME__BODY_REFUSED ||
                  frame->body_case == IOD__FRAME__BODY_OPENED);
}

static void run_cycle(uint32_t n, const char *there, const char *nobody)
{
        ask_to_connect(n, there, raw_source(1, n, 3));
        scene_await(0, IOD__FRAME__BODY_OPENED);
        ask_to_connect(n, nobody, 0);
        scene_await(0, IOD__FRAME__BODY_REFUSED);
        ask_to_connect(n, there, 0);
        cancel(n);
        await_the_cancelled();
        ask_to_bind(n, "udp:127.0.0.1:0");
        scene_await(0, IOD__FRAME__BODY_OPENED);
        ask_to_bind(n, "udp:192.0.2.1:0");
        scene_await(0, IOD__FRAME__BODY_REFUSED);
        ask_to_take(n, "taken", "tcp:127.0.0.1:0");
        scene_await(0, IOD__FRAME__BODY_OPENED);
        ask_to_take(n, "taken", "tcp:127.0.0.1:1");
        scene_await(0, IOD__FRAME__BODY_REFUSED);
}

static void empty(int listener)
{
        int fd;

        while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
                close(fd);
}

START_TEST(after_thousands_of_each_the_descriptors_are_where_they_were)
{
        char there[ADDRESS_TEXT_MAX], nobody[ADDRESS_TEXT_MAX];
        int listener = listen_somewhere(there), bound = bind_somewhere(nobody);
        size_t before;

        run_cycle(1, there, nobody);
        empty(listener);
        before = scene_count_descriptors();
        for (uint32_t n = 2; n < 2 + CYCLES; n++) {
                run_cycle(n, there, nobody);
                if (n % 100 == 0)
                        empty(listener);
        }
        empty(listener);
        ck_assert_uint_eq(scene_count_descriptors(), before);
        expect_nothing_left();
        close(listener);
        close(bound);
}
END_TEST

TEST_SUITE(test_opening)
{
        TCase *connects = tcase_create("connect"), *binds = tcase_create("bind"),
              *takes = tcase_create("take");

        tcase_add_checked_fixture(connects, open_first, sharing_scene_tear_down);
        tcase_add_checked_fixture(binds, open_first, sharing_scene_tear_down);
        tcase_add_checked_fixture(takes, open_first, sharing_scene_tear_down);
        tcase_set_timeout(connects, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(binds, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(takes, TEST_TIMEOUT_SECONDS);
        tcase_add_test(connects, a_connection_is_opened_registered_and_passed);
        tcase_add_test(connects, nobody_there_is_refused);
        tcase_add_loop_test(connects, what_may_not_be_connected_to_is_refused_at_once, 0,
                            sizeof(bad_connects) / sizeof(bad_connects[0]));
        tcase_add_test(connects, a_time_limit_over_ten_minutes_is_refused);
        tcase_add_test(connects, a_connect_is_cancelled_before_it_ends);
        tcase_add_test(connects, connects_are_charged_and_limited);
        tcase_add_test(connects, a_session_that_ends_takes_its_connects_along);
        tcase_add_test(binds, a_socket_is_bound_where_it_was_asked_for);
        tcase_add_loop_test(binds, what_may_not_be_bound_is_refused, 0,
                            sizeof(bad_binds) / sizeof(bad_binds[0]));
        tcase_add_test(takes, a_listener_is_taken_twice_and_accepted_from);
        tcase_add_test(takes, what_is_shared_is_not_taken_and_what_there_is_not_neither);
        tcase_add_test(takes, a_take_without_room_leaves_no_listener_behind);
        tcase_add_test(takes, after_thousands_of_each_the_descriptors_are_where_they_were);
        suite_add_tcase(suite, connects);
        suite_add_tcase(suite, binds);
        suite_add_tcase(suite, takes);
}
