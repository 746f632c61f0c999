/*
 * daemon/claiming: a worker says what it has in hand from a daemon before this one. What it says is
 * believed as far as it can be true, and whatever it says nothing is kept that is not charged.
 */
#include "daemon/requests/claiming.h"

#include "tests/support/fd_message.h"
#include "tests/support/held_lock.h"
#include "tests/support/memfd_note.h"
#include "tests/support/own_network.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SLOT = 20, CLAIM = 7 /* its sequence */ };

static int peer, own; /* a connection to the listener, and its accepted end */
static Session *session;

/* A connection that was accepted, with nobody in the daemon who knows of it. */
static void make_connection(void)
{
        Iod__Connections *connections;

        scene_join(0, 1, NULL);
        peer = scene_dial();
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        own = fd_list_steal(&sharing.received, 0);
        scene_gone(0, connections);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
}

static void register_as(int i, uint32_t slot, int borrow_fd)
{
        const uint64_t source = raw_source(slot, 1, SERVICE_INTEREST);

        raw_client_add(&sharing.clients[i], 3, &source, &borrow_fd, 1);
        inner_server_settle();
        ck_assert_ptr_nonnull(
                registration_set_recreate(&session->registrations, io_id_make(slot, 1)));
}

/* Client 1 has joined, with such a connection registered. */
static void set_up(void)
{
        sharing_scene_set_up();
        make_connection();
        session = scene_join(1, 0, NULL);
        register_as(1, SLOT, own);
        /* And a third is there to be given what goes on. */
        scene_join(2, 4, NULL);
}

static void tear_down(void)
{
        close(own);
        close(peer);
        sharing_scene_tear_down();
}

/* What is claimed was looked at. */
static bool is_settled(void)
{
        const Session *each;
        const Worker *worker;
        const Connection *connection;

        inner_server_settle();
        TAILQ_FOREACH(each, &inner.daemon->sessions.list, link)
        TAILQ_FOREACH(worker, &each->workers, session_link)
        TAILQ_FOREACH(connection, &worker->taken, link)
        {
                if (connection->look)
                        return false;
        }
        return true;
}

static void send_claim(int i, uint32_t endpoint, uint32_t slot, bool keep, uint32_t note_size,
                       const int *borrow_fds, size_t n)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Claim claim = IOD__CLAIM__INIT;
        Iod__ClaimedConnection one = IOD__CLAIMED_CONNECTION__INIT, *connections[] = {&one};

        one.id = io_id_make(slot, 1);
        one.keep_on_death = keep;
        one.note_size = note_size;
        claim.endpoint = endpoint;
        claim.n_connection = 1;
        claim.connection = connections;
        frame.sequence = CLAIM;
        frame.body_case = IOD__FRAME__BODY_CLAIM;
        frame.claim = &claim;
        service_send(&sharing.clients[i], &frame, borrow_fds, n);
}

static void claim_as(int i, uint32_t endpoint, uint32_t slot, bool keep, uint32_t note_size,
                     const int *borrow_fds, size_t n)
{
        send_claim(i, endpoint, slot, keep, note_size, borrow_fds, n);
        ck_assert(WAIT_UNTIL(is_settled(), DEADLINE_MS));
}

static uint32_t in_hand(void)
{
        return TAILQ_FIRST(&session->workers)->in_hand_count;
}

static uint32_t holds(void)
{
        return session->user->used[QUOTA_HOLDS];
}

START_TEST(what_is_kept_goes_to_another_when_its_worker_ends)
{
        Iod__Connections *connections;
        const int fds[] = {own, memfd_note(5, NOTE_SEALS)};
        char byte;

        claim_as(1, 1, SLOT, true, 5, fds, 2);
        ck_assert_ptr_null(scene_next(1));
        ck_assert_uint_eq(in_hand(), 1);
        ck_assert_uint_eq(holds(), 1);
        ck_assert_uint_eq(inner.daemon->kept.count, 2);
        ck_assert_uint_eq(*scene_listener()->group.keeper, 2);
        scene_close(1);
        ck_assert_uint_eq(scene_connections(2, &connections), 1);
        ck_assert(connections->connection[0]->again);
        ck_assert_uint_eq(connections->connection[0]->note_size, 5);
        put_byte(peer);
        ck_assert_int_eq(read(fd_list_borrow(&sharing.received, 0), &byte, 1), 1);
        scene_gone(2, connections);
        close(fds[1]);
}
END_TEST

/* A worker can have whoever asks for its connection's addresses wait. */
START_TEST(one_that_its_worker_keeps_locked_holds_up_nobody)
{
        Iod__Connections *connections;
        HeldLock lock;

        if (!held_lock_take(&lock, own))
                SKIP_TEST("this user may not keep pages away");
        send_claim(1, 1, SLOT, true, 0, &own, 1);
        SCENE_SEND(2, 5, GET_STATUS, get_status,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__get_status__descriptor)});
        scene_expect(2, IOD__FRAME__BODY_STATUS);
        ck_assert_uint_eq(in_hand(), 1);
        ck_assert_uint_eq(holds(), 1);
        ck_assert(!is_settled());
        /* Its worker ends before it is known whether it may be kept. */
        scene_close(1);
        ck_assert_uint_eq(scene_connections(2, NULL), 0);
        held_lock_end(&lock);
        connections = scene_await(2, IOD__FRAME__BODY_CONNECTIONS)->connections;
        ck_assert(connections->connection[0]->again);
        ck_assert_str_ne(connections->connection[0]->address, "");
        scene_gone(2, connections);
}
END_TEST

START_TEST(what_is_gone_is_kept_no_longer)
{
        const uint64_t id = io_id_make(SLOT, 1);
        char byte;

        claim_as(1, 1, SLOT, true, 0, &own, 1);
        ck_assert_uint_eq(in_hand(), 1);
        service_gone(&sharing.clients[1], &id, 1);
        inner_server_settle();
        ck_assert_uint_eq(in_hand(), 0);
        ck_assert_uint_eq(holds(), 0);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        close(own);
        own = -1;
        ck_assert(wait_readable(peer, DEADLINE_MS));
        ck_assert_int_eq(read(peer, &byte, 1), 0);
}
END_TEST

START_TEST(what_is_not_kept_counts_and_ends_with_its_worker)
{
        claim_as(1, 1, SLOT, false, 0, NULL, 0);
        ck_assert_ptr_null(scene_next(1));
        ck_assert_uint_eq(in_hand(), 1);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        ck_assert_uint_eq(holds(), 0);
        scene_close(1);
        ck_assert_uint_eq(scene_connections(2, NULL), 0);
        ck_assert_uint_eq(scene_listener()->group.queued_count, 0);
}
END_TEST

START_TEST(its_worker_may_leave_and_keep_it)
{
        claim_as(1, 1, SLOT, true, 0, &own, 1);
        service_leave(&sharing.clients[1], 4, 1);
        scene_expect(1, IOD__FRAME__BODY_DONE);
        ck_assert_uint_eq(scene_connections(2, NULL), 0);
        ck_assert_uint_eq(in_hand(), 1);
        scene_close(1);
        ck_assert_uint_eq(scene_serve(2), 1);
}
END_TEST

/* Client 2 serves another listener: a connection to it, and its accepted end, that client 1 has
 * registered in a slot. */
static int accept_from(const char *name, const char *address, uint32_t slot, int *far)
{
        Iod__Connections *connections;
        Address where;
        int near;

        service_join(&sharing.clients[2], 1, name, address, slot, 1, NULL);
        scene_expect(2, IOD__FRAME__BODY_JOINED);
        where = listener_find(&inner.daemon->listeners, getuid(), name)->bound;
        if (where.kind == ADDRESS_TCP) {
                where.size = sizeof(where.socket_address.v4);
                where.socket_address.v4 = (struct sockaddr_in){
                        .sin_family = AF_INET,
                        .sin_port = htons(where.port),
                        .sin_addr = {htonl(INADDR_LOOPBACK)},
                };
        }
        *far = socket(where.socket_address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(*far, &where.socket_address.any, where.size), 0);
        ck_assert_uint_eq(scene_connections(2, &connections), 1);
        near = fd_list_steal(&sharing.received, 0);
        scene_gone(2, connections);
        register_as(1, slot, near);
        return near;
}

/* Of Unix listeners, and of TCP listeners at any address. */
START_TEST(connections_of_other_listeners_are_told_apart)
{
        int near[2], far[2];

        ck_assert_int_eq(policy_rule_allow(sharing.rule, POLICY_LISTEN, "tcp:*:*"), 0);
        ck_assert_int_eq(policy_rule_allow(sharing.rule, POLICY_HOLD, "app"), 0);
        for (uint32_t i = 0; i < 2; i++) {
                const char *name = i == 0 ? "app" : "other";
                char address[128] = "tcp:*:0";

                if (_i == 0)
                        snprintf(address, sizeof(address), "unix:%s/%s", inner.directory, name);
                near[i] = accept_from(name, address, 30 + i, &far[i]);
        }
        service_join(&sharing.clients[1], 1, "app", "", 0, 0, NULL);
        scene_expect(1, IOD__FRAME__BODY_JOINED);
        claim_as(1, 2, 31, true, 0, &near[1], 1);
        ck_assert_str_eq(scene_expect_refused(1, CLAIM, EINVAL),
                         "the descriptor is no connection of listener app");
        claim_as(1, 2, 30, true, 0, &near[0], 1);
        ck_assert_ptr_null(scene_next(1));
        ck_assert_uint_eq(holds(), 1);
        for (int i = 0; i < 2; i++) {
                close(near[i]);
                close(far[i]);
        }
}
END_TEST

START_TEST(what_cannot_be_claimed_does_not_keep_the_others)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Claim claim = IOD__CLAIM__INIT;
        Iod__ClaimedConnection entries[3], *connections[3];
        const int fds[] = {own, own, own};

        for (int i = 0; i < 3; i++) {
                entries[i] = (Iod__ClaimedConnection)IOD__CLAIMED_CONNECTION__INIT;
                /* One that is not there, one that is, and that once more. */
                entries[i].id = io_id_make(i == 0 ? SLOT + 1 : SLOT, 1);
                entries[i].keep_on_death = true;
                connections[i] = &entries[i];
        }
        claim.endpoint = 1;
        claim.n_connection = 3;
        claim.connection = connections;
        frame.sequence = CLAIM;
        frame.body_case = IOD__FRAME__BODY_CLAIM;
        frame.claim = &claim;
        service_send(&sharing.clients[1], &frame, fds, 3);
        ck_assert_str_eq(scene_expect_refused(1, CLAIM, ENOENT), "slot 21 is not registered");
        ck_assert_uint_eq(in_hand(), 1);
        ck_assert_uint_eq(inner.daemon->kept.count, 1);
        ck_assert_uint_eq(holds(), 1);
}
END_TEST

/* ---- What is not true ---------------------------------------------------------------------- */

static void expect_refused(int error, const char *sentence)
{
        ck_assert_str_eq(scene_expect_refused(1, CLAIM, error), sentence);
        ck_assert_uint_eq(in_hand(), 0);
        ck_assert_uint_eq(holds(), 0);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        ck_assert_uint_eq(*scene_listener()->group.keeper, 0);
        /* The registration goes on. */
        ck_assert_ptr_nonnull(
                registration_set_recreate(&session->registrations, io_id_make(SLOT, 1)));
}

START_TEST(a_listener_that_was_not_joined_has_nothing_of_it)
{
        claim_as(1, 2, SLOT, true, 0, &own, 1);
        expect_refused(ENOENT, "this session has no endpoint 2");
        /* Nor does one that was left. */
        service_leave(&sharing.clients[1], 4, 1);
        scene_expect(1, IOD__FRAME__BODY_DONE);
        claim_as(1, 1, SLOT, true, 0, &own, 1);
        ck_assert_str_eq(scene_expect_refused(1, CLAIM, ENOENT), "this session has no endpoint 1");
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
}
END_TEST

START_TEST(what_is_not_registered_is_not_in_hand)
{
        claim_as(1, 1, SLOT + 1, true, 0, &own, 1);
        expect_refused(ENOENT, "slot 21 is not registered");
}
END_TEST

START_TEST(what_is_in_hand_is_not_claimed_again)
{
        claim_as(1, 1, SLOT, true, 0, &own, 1);
        claim_as(1, 1, SLOT, true, 0, &own, 1);
        ck_assert_str_eq(scene_expect_refused(1, CLAIM, EEXIST), "slot 20 is in hand already");
        ck_assert_uint_eq(in_hand(), 1);
        ck_assert_uint_eq(inner.daemon->kept.count, 1);
        ck_assert_uint_eq(holds(), 1);
}
END_TEST

static void make_pipe(int fds[static 2])
{
        pipe_pair(fds);
}

static void make_unix_stream(int fds[static 2])
{
        unix_pair(SOCK_STREAM, fds);
}

static void make_unix_packets(int fds[static 2])
{
        unix_pair(SOCK_SEQPACKET, fds);
}

/* A connection to the listener, but the end that made it. */
static void make_dialled(int fds[static 2])
{
        fds[0] = scene_dial();
        ck_assert_uint_eq(scene_serve(2), 1);
        fds[1] = dup(STDERR_FILENO);
}

static void make_listening(int fds[static 2])
{
        fds[0] = fcntl(scene_listener()->fd, F_DUPFD_CLOEXEC, 0);
        fds[1] = dup(STDERR_FILENO);
}

static const struct Wrong {
        void (*make)(int fds[static 2]);
        int error;
        const char *sentence;
} wrong[] = {
        {make_pipe, EINVAL, "slot 30 is no connection of listener web"},
        {make_unix_stream, EINVAL, "slot 30 is no connection of listener web"},
        {make_unix_packets, EINVAL, "slot 30 is no connection of listener web"},
        {tcp_pair, EINVAL, "the descriptor is no connection of listener web"},
        {make_dialled, EINVAL, "the descriptor is no connection of listener web"},
        {make_listening, ENOTCONN, "a connection to be kept is connected: it has ended"},
};

START_TEST(what_is_no_connection_of_the_listener_is_not_kept)
{
        int fds[2];

        wrong[_i].make(fds);
        register_as(1, 30, fds[0]);
        claim_as(1, 1, 30, true, 0, &fds[0], 1);
        expect_refused(wrong[_i].error, wrong[_i].sentence);
        close(fds[0]);
        close(fds[1]);
}
END_TEST

START_TEST(a_descriptor_of_another_file_is_not_kept)
{
        int fds[2];

        tcp_pair(fds);
        claim_as(1, 1, SLOT, true, 0, &fds[0], 1);
        expect_refused(EINVAL, "the descriptor sent along is not that of slot 20");
        close(fds[0]);
        close(fds[1]);
}
END_TEST

START_TEST(a_note_that_is_none_keeps_nothing)
{
        const int fds[] = {own, memfd_note(5, 0)};

        claim_as(1, 1, SLOT, true, 5, fds, 2);
        expect_refused(EINVAL, "the note is not sealed: add F_SEAL_WRITE, F_SEAL_SHRINK and "
                               "F_SEAL_GROW");
        close(fds[1]);
}
END_TEST

static const struct {
        bool keep;
        uint32_t note_size;
        size_t n;
        const char *sentence;
} miscounts[] = {
        {true, 5, 1, "claim takes 2 descriptors here and came with 1"},
        {false, 0, 1, "claim takes 0 descriptors here and came with 1"},
        {true, 0, 0, "claim takes 1 descriptors here and came with 0"},
};

START_TEST(descriptors_that_are_not_as_many_as_it_says_end_the_session)
{
        ck_assert_ptr_null(scene_next(1)); /* the readiness of what is registered */
        claim_as(1, 1, SLOT, miscounts[_i].keep, miscounts[_i].note_size, &own, miscounts[_i].n);
        inner_server_expect_goodbye(&sharing.clients[1], CLAIM, EBADMSG, miscounts[_i].sentence);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
}
END_TEST

/* ---- Of another network ---- */

static int network_pair[2]; /* to who makes it there */

/* In a network of its own, a connection to the listener's address, whose accepted end is sent out.
 */
static int accept_there(void *data)
{
        const Address *bound = data;
        struct sockaddr_in address = bound->socket_address.v4;
        int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int dialling = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted;

        ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(listening, 1), 0);
        ck_assert_int_eq(connect(dialling, (struct sockaddr *)&address, sizeof(address)), 0);
        accepted = accept(listening, NULL, NULL);
        ck_assert_int_ge(accepted, 0);
        ck_assert_int_eq(fd_message_send(network_pair[1], "xy", 2, (int[]){accepted, dialling}, 2),
                         2);
        return 0;
}

START_TEST(a_connection_of_another_network_is_none_of_the_listeners)
{
        FdMessage message;
        char bytes[2];

        unix_pair(SOCK_STREAM, network_pair);
        if (own_network_run(0, accept_there, &scene_listener()->bound) < 0) {
                close(network_pair[0]);
                close(network_pair[1]);
                SKIP_TEST("there is no network namespace for this test");
        }
        ck_assert_int_eq(fd_message_receive(network_pair[0], bytes, 2, 2, &message), 2);
        ck_assert_uint_eq(message.count, 2);
        register_as(1, 30, message.fds[0]);
        claim_as(1, 1, 30, true, 0, &message.fds[0], 1);
        expect_refused(EINVAL, "the descriptor is no connection of listener web");
        fd_message_close(&message);
        close(network_pair[0]);
        close(network_pair[1]);
}
END_TEST

START_TEST(a_user_has_no_more_kept_than_its_limit)
{
        session->user->limits[QUOTA_HOLDS] = 0;
        claim_as(1, 1, SLOT, true, 0, &own, 1);
        ck_assert_ptr_nonnull(strstr(scene_expect_refused(1, CLAIM, EDQUOT), "at the limit of 0"));
        ck_assert_uint_eq(in_hand(), 0);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        ck_assert_uint_eq(*scene_listener()->group.keeper, 0);
}
END_TEST

START_TEST(the_daemon_keeps_no_more_than_it_may)
{
        inner.daemon->kept.max = 0;
        claim_as(1, 1, SLOT, true, 0, &own, 1);
        expect_refused(EDQUOT,
                       "0 of 0 kept descriptors of all users together; 0 are yours: try later");
}
END_TEST

START_TEST(who_may_not_hold_has_nothing_kept)
{
        policy_free(inner.daemon->config->policy);
        ck_assert_int_eq(policy_new(&inner.daemon->config->policy), 0);
        claim_as(1, 1, SLOT, true, 0, &own, 1);
        ck_assert_ptr_nonnull(strstr(scene_expect_refused(1, CLAIM, EACCES), "may not hold web"));
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        /* But what it has counts. */
        claim_as(1, 1, SLOT, false, 0, NULL, 0);
        ck_assert_uint_eq(in_hand(), 1);
}
END_TEST

TEST_SUITE(test_claiming)
{
        TCase *tests = tcase_create("claiming");

        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_set_timeout(tests, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tests, what_is_kept_goes_to_another_when_its_worker_ends);
        tcase_add_test(tests, one_that_its_worker_keeps_locked_holds_up_nobody);
        tcase_add_test(tests, what_is_gone_is_kept_no_longer);
        tcase_add_test(tests, what_is_not_kept_counts_and_ends_with_its_worker);
        tcase_add_test(tests, its_worker_may_leave_and_keep_it);
        tcase_add_loop_test(tests, connections_of_other_listeners_are_told_apart, 0, 2);
        tcase_add_test(tests, what_cannot_be_claimed_does_not_keep_the_others);
        tcase_add_test(tests, a_listener_that_was_not_joined_has_nothing_of_it);
        tcase_add_test(tests, what_is_not_registered_is_not_in_hand);
        tcase_add_test(tests, what_is_in_hand_is_not_claimed_again);
        tcase_add_loop_test(tests, what_is_no_connection_of_the_listener_is_not_kept, 0,
                            sizeof(wrong) / sizeof(wrong[0]));
        tcase_add_test(tests, a_descriptor_of_another_file_is_not_kept);
        tcase_add_test(tests, a_note_that_is_none_keeps_nothing);
        tcase_add_loop_test(tests, descriptors_that_are_not_as_many_as_it_says_end_the_session, 0,
                            sizeof(miscounts) / sizeof(miscounts[0]));
        tcase_add_test(tests, a_connection_of_another_network_is_none_of_the_listeners);
        tcase_add_test(tests, a_user_has_no_more_kept_than_its_limit);
        tcase_add_test(tests, the_daemon_keeps_no_more_than_it_may);
        tcase_add_test(tests, who_may_not_hold_has_nothing_kept);
        suite_add_tcase(suite, tests);
}
