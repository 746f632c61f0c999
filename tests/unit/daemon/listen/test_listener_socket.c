/*
 * daemon/listen/listener_socket: what was given to a client is looked at before another gets it,
 * and one that has ended, or whose address could not be had, is opened as soon as it can be.
 */
#include "tests/support/held_lock.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Client i takes "web", opened at address unless that is ""; and has the listening socket. */
static void ask(int i, const char *address)
{
        scene_open(i);
        SCENE_SEND(i, 1, TAKE_LISTENER, take_listener,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__take_listener__descriptor),
                    .name = (char *)"web",
                    .address = (char *)address});
}

static int receive(int i)
{
        scene_await(i, IOD__FRAME__BODY_OPENED);
        return fd_list_steal(&sharing.received, 0);
}

static int take(int i, const char *address)
{
        ask(i, address);
        return receive(i);
}

static bool is_non_blocking(int fd)
{
        return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

/* Who dials is accepted from that socket. */
static void expect_reached(int fd)
{
        int peer = scene_dial(), accepted;

        ck_assert(is_non_blocking(fd));
        ck_assert(wait_readable(fd, DEADLINE_MS));
        accepted = accept(fd, NULL, NULL);
        ck_assert_int_ge(accepted, 0);
        close(accepted);
        close(peer);
}

/* ---- What a taker can do to it ---- */

static void shut_down(int fd)
{
        ck_assert_int_eq(shutdown(fd, SHUT_RD), 0);
}

static void disconnect(int fd)
{
        const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

        ck_assert_int_eq(connect(fd, &nowhere, sizeof(nowhere)), 0);
}

/* It listens somewhere else then. */
static void move(int fd)
{
        disconnect(fd);
        ck_assert_int_eq(listen(fd, 1), 0);
}

/* Unix sockets know no disconnecting. */
static const struct Way {
        const char *address; /* NULL: unix: */
        void (*end)(int fd);
} ways[] = {
        {"tcp:127.0.0.1:0", shut_down},
        {"tcp:127.0.0.1:0", disconnect},
        {"tcp:127.0.0.1:0", move},
        {NULL, shut_down},
};

START_TEST(what_a_taker_has_ended_is_opened_anew_for_the_next)
{
        const struct Way *way = &ways[_i];
        char address[128], before[ADDRESS_TEXT_MAX];
        int first, second;

        snprintf(address, sizeof(address), "unix:%s/web", inner.directory);
        first = take(0, way->address ? way->address : address);
        strcpy(before, scene_listener()->address);
        way->end(first);
        second = take(1, "");
        ck_assert_str_eq(scene_listener()->address, before);
        expect_reached(second);
        /* And is the listener's from now on. */
        close(first);
        close(second);
        second = take(2, "");
        expect_reached(second);
        close(second);
}
END_TEST

/* Lets nobody through. false: there is no room for this user's filter in the kernel. */
static bool attach_filter(int fd)
{
        struct sock_filter nobody[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
        const struct sock_fprog filter = {.len = 1, .filter = nobody};

        if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0)
                return true;
        ck_assert_int_eq(errno, EPERM);
        return false;
}

START_TEST(what_a_taker_has_changed_is_as_it_was_for_the_next)
{
        int first = take(0, "tcp:127.0.0.1:0"), second;

        ck_assert_int_eq(fcntl(first, F_SETFL, 0), 0);
        if (!attach_filter(first))
                report_skipped(__func__, "without a filter: this user may not attach one");
        second = take(1, "");
        expect_reached(second);
        /* It is the same file still: the first one sees who comes. */
        expect_reached(first);
        close(first);
        close(second);
}
END_TEST

/* A taker can have whoever asks for the socket's address, or changes it, wait. */
START_TEST(one_that_its_taker_keeps_locked_holds_up_nobody)
{
        int first = take(0, "tcp:127.0.0.1:0"), second;
        HeldLock lock;

        if (!held_lock_take(&lock, first)) {
                close(first);
                SKIP_TEST("this user may not keep pages away");
        }
        ask(1, "");
        scene_open(2);
        SCENE_SEND(2, 1, GET_STATUS, get_status,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__get_status__descriptor)});
        scene_expect(2, IOD__FRAME__BODY_STATUS);
        ck_assert_ptr_null(scene_next(1));
        held_lock_end(&lock);
        second = receive(1);
        expect_reached(second);
        close(first);
        close(second);
}
END_TEST

START_TEST(a_listener_that_ends_meanwhile_is_waited_for_no_longer)
{
        int first = take(0, "tcp:127.0.0.1:0");
        HeldLock lock;

        if (!held_lock_take(&lock, first)) {
                close(first);
                SKIP_TEST("this user may not keep pages away");
        }
        ask(1, "");
        inner_server_settle();
        listener_free(scene_listener());
        inner_server_settle();
        ck_assert_ptr_nonnull(
                strstr(scene_expect_refused(1, 1, ENOENT), "there is no listener web"));
        held_lock_end(&lock);
        close(first);
}
END_TEST

START_TEST(a_filter_that_cannot_be_taken_off_makes_it_another)
{
        int first = take(0, "tcp:127.0.0.1:0"), second, one = 1;
        const Iod__Refused *refused;

        if (!attach_filter(first)) {
                close(first);
                SKIP_TEST("this user may not attach a filter");
        }
        ck_assert_int_eq(setsockopt(first, SOL_SOCKET, SO_LOCK_FILTER, &one, sizeof(one)), 0);
        ask(1, "");
        refused = scene_await(1, IOD__FRAME__BODY_REFUSED)->refused;
        ck_assert_int_eq(refused->error, EADDRINUSE);
        /* While the first one listens there, nobody else can. */
        ck_assert_ptr_nonnull(
                strstr(refused->text, "listener web is not served: address in use: "));
        close(first);
        ck_assert(WAIT_UNTIL(({
                                     inner_server_settle();
                                     scene_listener()->fd >= 0;
                             }),
                             DEADLINE_MS));
        second = take(2, "");
        expect_reached(second);
        close(second);
}
END_TEST

/* ---- What the daemon accepts from ---- */

START_TEST(a_shared_one_that_has_ended_is_opened_anew)
{
        char before[ADDRESS_TEXT_MAX];
        uint64_t number;

        scene_join(0, 4, NULL);
        number = scene_listener()->group.number;
        strcpy(before, scene_listener()->address);
        ck_assert_int_eq(shutdown(scene_listener()->fd, SHUT_RD), 0);
        inner_server_settle();
        ck_assert_uint_eq(scene_listener()->group.number, number);
        ck_assert_str_eq(scene_listener()->address, before);
        scene_dial_many(2);
        ck_assert_uint_eq(scene_serve(0), 2);
}
END_TEST

TEST_SUITE(test_listener_socket)
{
        TCase *tests = tcase_create("sockets");

        tcase_add_checked_fixture(tests, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_set_timeout(tests, TEST_TIMEOUT_SECONDS);
        tcase_add_loop_test(tests, what_a_taker_has_ended_is_opened_anew_for_the_next, 0,
                            sizeof(ways) / sizeof(ways[0]));
        tcase_add_test(tests, what_a_taker_has_changed_is_as_it_was_for_the_next);
        tcase_add_test(tests, one_that_its_taker_keeps_locked_holds_up_nobody);
        tcase_add_test(tests, a_listener_that_ends_meanwhile_is_waited_for_no_longer);
        tcase_add_test(tests, a_filter_that_cannot_be_taken_off_makes_it_another);
        tcase_add_test(tests, a_shared_one_that_has_ended_is_opened_anew);
        suite_add_tcase(suite, tests);
}
