/*
 * daemon/descriptor_store: each change is one message to the manager, and what was not sent is
 * taken back. The tests are the manager.
 */
#include "daemon/loop/loop.h"
#include "daemon/store/descriptor_store.h"

#include "tests/support/deadline.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"
#include "tests/support/memfd_note.h"
#include "tests/support/notify_socket.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static Loop loop;
static BlockingPool *blocking;
static NotifyQueue queue;
static DescriptorStore store;
static int manager;
static char *directory;
static int pair[2];
static FdMessage message;

static void listen_as_manager(void)
{
        manager = notify_socket_listen(directory);
}

static void open_store(void)
{
        ck_assert_int_eq(notify_queue_open(&queue, &loop, blocking), 0);
        descriptor_store_open(&store, &queue);
}

static void set_up(void)
{
        directory = make_temp_dir();
        listen_as_manager();
        unsetenv("FDSTORE");
        ck_assert_int_eq(loop_open(&loop), 0);
        ck_assert_int_eq(blocking_pool_open(&blocking, loop.wake_fd), 0);
        open_store();
        unix_pair(SOCK_STREAM, pair);
        message.count = 0;
}

static void tear_down(void)
{
        fd_message_close(&message);
        notify_queue_close(&queue);
        ck_assert(WAIT_UNTIL((blocking = blocking_pool_close(blocking)) == NULL, DEADLINE_MS));
        loop_close(&loop);
        close(manager);
        close(pair[0]);
        close(pair[1]);
        remove_temp_dir(directory);
}

/* The next message has this text, and so many descriptors. */
static void expect_message(const char *text, size_t count)
{
        char bytes[512];

        fd_message_close(&message);
        ck_assert_int_ge(fd_message_receive(manager, bytes, sizeof(bytes) - 1, 8, &message), 0);
        bytes[message.length] = '\0';
        ck_assert_str_eq(bytes, text);
        ck_assert_uint_eq(message.count, count);
}

static void expect_no_message(void)
{
        char bytes[512];

        fd_message_close(&message);
        ck_assert_int_eq(fd_message_receive(manager, bytes, sizeof(bytes), 8, &message), -EAGAIN);
}

static void turn(void)
{
        event_base_loop(loop.base, EVLOOP_NONBLOCK);
}

START_TEST(what_is_added_goes_with_its_record_and_what_is_removed_by_name)
{
        size_t before = count_descriptors();

        ck_assert(descriptor_store_add(&store, "owned-a", &pair[0], 1, memfd_note(3, NOTE_SEALS)));
        ck_assert_uint_eq(store.count, 2);
        /* The record was the store's to close. */
        ck_assert_uint_eq(count_descriptors(), before);
        expect_message("FDSTORE=1\nFDPOLL=0\nFDNAME=owned-a", 2);
        ck_assert_int_eq(write(message.fds[0], "x", 1), 1);
        ck_assert_int_eq(read(pair[1], (char[1]){0}, 1), 1);
        descriptor_store_remove(&store, "owned-a", 2);
        expect_message("FDSTOREREMOVE=1\nFDNAME=owned-a", 0);
        ck_assert_uint_eq(store.count, 0);
}
END_TEST

/* Fills the manager's queue; how many went. */
static size_t fill_queue(void)
{
        char name[32];
        size_t n = 0;

        while (queue.count == 0) {
                snprintf(name, sizeof(name), "owned-%zu", n++);
                ck_assert(descriptor_store_add(&store, name, pair, 1, -1));
        }
        return n - 1;
}

START_TEST(what_was_not_sent_is_taken_back)
{
        size_t sent = fill_queue(), before;

        before = count_descriptors();
        ck_assert(descriptor_store_add(&store, "owned-mine", pair, 1, memfd_note(1, NOTE_SEALS)));
        descriptor_store_remove(&store, "owned-mine", 2);
        ck_assert_uint_eq(count_descriptors(), before);
        ck_assert_uint_eq(store.count, sent + 1);
        for (size_t i = 0; i <= sent; i++) {
                char bytes[512];

                fd_message_close(&message);
                ck_assert_int_ge(fd_message_receive(manager, bytes, sizeof(bytes), 8, &message), 0);
                ck_assert_ptr_null(memmem(bytes, (size_t)message.length, "owned-mine", 10));
                turn();
        }
        expect_no_message();
}
END_TEST

START_TEST(no_more_is_put_in_than_fits)
{
        store.max = 3;
        ck_assert(descriptor_store_add(&store, "owned-a", pair, 2, -1));
        ck_assert(!descriptor_store_add(&store, "owned-b", pair, 1, memfd_note(1, NOTE_SEALS)));
        ck_assert(descriptor_store_add(&store, "owned-c", pair, 1, -1));
        descriptor_store_remove(&store, "owned-a", 2);
        ck_assert(descriptor_store_add(&store, "owned-d", pair, 2, -1));
        ck_assert(!descriptor_store_add(&store, "owned-e", pair, 1, -1));
}
END_TEST

START_TEST(frozen_it_stays_as_it_is)
{
        ck_assert(descriptor_store_add(&store, "owned-a", pair, 1, -1));
        descriptor_store_freeze(&store);
        descriptor_store_remove(&store, "owned-a", 1);
        ck_assert(!descriptor_store_add(&store, "owned-b", pair, 1, -1));
        expect_message("FDSTORE=1\nFDPOLL=0\nFDNAME=owned-a", 1);
        expect_no_message();
}
END_TEST

START_TEST(the_manager_says_how_many_it_keeps)
{
        notify_queue_close(&queue);
        setenv("FDSTORE", "7", 1);
        open_store();
        ck_assert_uint_eq(store.max, 7);
        setenv("FDSTORE", "0", 1);
        descriptor_store_open(&store, &queue);
        ck_assert(!descriptor_store_is_there(&store));
        setenv("FDSTORE", "1000000", 1);
        descriptor_store_open(&store, &queue);
        ck_assert_uint_eq(store.max, DESCRIPTOR_STORE_MAX);
}
END_TEST

START_TEST(without_a_manager_every_call_does_nothing)
{
        notify_queue_close(&queue);
        if (_i == 0)
                unsetenv("NOTIFY_SOCKET");
        else
                setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
        open_store();
        ck_assert(!descriptor_store_is_there(&store));
        ck_assert(!descriptor_store_add(&store, "owned-a", pair, 1, memfd_note(1, NOTE_SEALS)));
        descriptor_store_remove(&store, "owned-a", 1);
        descriptor_store_freeze(&store);
}
END_TEST

START_TEST(there_is_a_store)
{
        SKIP_TEST("built without systemd");
}
END_TEST

TEST_SUITE(test_descriptor_store)
{
        TCase *changes = tcase_create("changes");

        if (!HAVE_SYSTEMD) {
                tcase_add_test(changes, there_is_a_store);
                suite_add_tcase(suite, changes);
                return;
        }
        tcase_add_checked_fixture(changes, set_up, tear_down);
        tcase_add_test(changes, what_is_added_goes_with_its_record_and_what_is_removed_by_name);
        tcase_add_test(changes, what_was_not_sent_is_taken_back);
        tcase_add_test(changes, no_more_is_put_in_than_fits);
        tcase_add_test(changes, frozen_it_stays_as_it_is);
        tcase_add_test(changes, the_manager_says_how_many_it_keeps);
        tcase_add_loop_test(changes, without_a_manager_every_call_does_nothing, 0, 2);
        tcase_set_timeout(changes, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, changes);
}
