/*
 * daemon/moving: who waits for a session's files. A client that waits itself costs the daemon
 * nothing but its socket; what a listener passed it counts as ever, and whoever goes back and forth
 * loses nothing and is charged for nothing.
 */
#include "daemon/requests/moving.h"

#include "daemon/restart/reload_apply.h"
#include "tests/support/fd_message.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MOVE = 5 /* the sequence of SetDelivery */, FILES = 40 };

static int files[FILES];

static void set_up(void)
{
        sharing_scene_set_up();
        for (int i = 0; i < FILES; i++) {
                files[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
                ck_assert_int_ge(files[i], 0);
        }
}

static void tear_down(void)
{
        for (int i = 0; i < FILES; i++)
                close(files[i]);
        sharing_scene_tear_down();
}

static void set_delivery(int i, int delivery)
{
        SCENE_SEND(i, MOVE, SET_DELIVERY, set_delivery,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__set_delivery__descriptor),
                    .delivery = (Iod__Delivery)delivery});
}

static void become(int i, Iod__Delivery delivery)
{
        set_delivery(i, (int)delivery);
        ck_assert_uint_eq(scene_expect(i, IOD__FRAME__BODY_DONE)->sequence, MOVE);
}

static void become_direct(int i)
{
        become(i, IOD__DELIVERY__DELIVERY_DIRECT);
}

static void become_relayed(int i)
{
        become(i, IOD__DELIVERY__DELIVERY_RELAYED);
}

/* Registers a file in the slot of its number. */
static void add(int i, uint32_t slot, int borrow_fd)
{
        const uint64_t source = raw_source(slot, 1, READINESS_READABLE);

        raw_client_add(&sharing.clients[i], 3, &source, &borrow_fd, 1);
        inner_server_settle();
}

static void add_files(int i)
{
        for (uint32_t slot = 0; slot < FILES; slot++)
                add(i, slot, files[slot]);
}

static void expect_add_refused(int i, uint32_t slot, int error, const char *sentence)
{
        const Iod__Frame *frame = scene_expect(i, IOD__FRAME__BODY_REFUSED);

        ck_assert_uint_eq(frame->refused->n_source, 1);
        ck_assert_uint_eq(frame->refused->source[0]->id, io_id_make(slot, 1));
        ck_assert_int_eq(frame->refused->source[0]->error, error);
        ck_assert_str_eq(frame->refused->source[0]->text, sentence);
}

/* Once the closer has taken the session's sets apart. */
static void await_watches(const Session *session, uint64_t watches)
{
        ck_assert(WAIT_UNTIL((inner_server_settle(), session->charged_watches == watches),
                             DEADLINE_MS));
}

static void expect_nothing_charged(const Session *session)
{
        ck_assert_uint_eq(session->registrations.count, 0);
        ck_assert_uint_eq(session->charged_registrations, 0);
        await_watches(session, 0);
        ck_assert_uint_eq(session->user->used[QUOTA_REGISTRATIONS], 0);
        ck_assert_uint_eq(session->user->watches, 0);
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 0);
        ck_assert_uint_eq(inner.daemon->watches.share.used, 0);
}

static Worker *worker_of(const Session *session)
{
        return TAILQ_FIRST(&session->workers);
}

/* A connection, in the worker's hands and taken; its descriptor in *own, its other end returned. */
static int pass_one(int i, int *own)
{
        Iod__Connections *connections;
        int peer = scene_dial();

        ck_assert_uint_eq(scene_connections(i, &connections), 1);
        *own = fd_list_steal(&sharing.received, 0);
        scene_taken(i, connections);
        inner_server_settle();
        return peer;
}

/* Whether readiness has come, and for this slot alone. */
static bool is_told(int i, uint32_t slot)
{
        const Iod__Frame *frame = inner_server_next(&sharing.clients[i]);

        return frame && frame->body_case == IOD__FRAME__BODY_READINESS &&
               frame->readiness->n_event == 1 &&
               io_id_unpack(frame->readiness->event[0]) == io_id_make(slot, 1);
}

/* ---- going direct -------------------------------------------------------------------------- */

START_TEST(a_direct_session_is_charged_for_nothing_and_told_nothing)
{
        Session *session = scene_open(0);
        size_t before = count_descriptors();

        add_files(0);
        ck_assert_uint_eq(session->registrations.count, FILES);
        become_direct(0);
        expect_nothing_charged(session);
        ck_assert_ptr_null(session->set_watch.ready);
        inner_server_await_closer();
        ck_assert_uint_eq(count_descriptors(), before);
        ck_assert_int_eq(eventfd_write(files[0], 1), 0);
        ck_assert_ptr_null(inner_server_next(&sharing.clients[0]));
}
END_TEST

START_TEST(what_it_sends_all_the_same_is_refused)
{
        Session *session = scene_open(0);

        become_direct(0);
        add(0, 3, files[3]);
        expect_add_refused(0, 3, EINVAL, "the session is direct: its client waits itself");
        expect_nothing_charged(session);
        ck_assert_int_lt(session->registrations.selector.epoll_fd, 0);
}
END_TEST

START_TEST(back_again_it_registers_and_is_told)
{
        Session *session = scene_open(0);

        add_files(0);
        become_direct(0);
        ck_assert_int_eq(eventfd_write(files[7], 1), 0);
        become_relayed(0);
        ck_assert_ptr_null(inner_server_next(&sharing.clients[0]));
        /* With the generations it had: those slots are free. */
        add_files(0);
        ck_assert(is_told(0, 7));
        ck_assert_uint_eq(session->registrations.count, FILES);
        await_watches(session, FILES);
}
END_TEST

START_TEST(what_it_is_already_is_no_error)
{
        Session *session = scene_open(0);

        become_relayed(0);
        add_files(0);
        become_relayed(0);
        ck_assert_uint_eq(session->registrations.count, FILES);
        become_direct(0);
        become_direct(0);
        expect_nothing_charged(session);
}
END_TEST

START_TEST(going_back_and_forth_leaves_nothing_behind)
{
        Session *session = scene_open(0);
        size_t before = count_descriptors();

        for (int i = 0; i < 200; i++) {
                add(0, 1, files[1]);
                set_delivery(0, IOD__DELIVERY__DELIVERY_DIRECT);
                set_delivery(0, IOD__DELIVERY__DELIVERY_RELAYED);
                scene_expect(0, IOD__FRAME__BODY_DONE);
                scene_expect(0, IOD__FRAME__BODY_DONE);
        }
        expect_nothing_charged(session);
        inner_server_await_closer();
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(the_list_tells_who_waits)
{
        const Iod__Frame *frame;

        scene_open(0);
        scene_open(1);
        become_direct(1);
        SCENE_SEND(0, 6, LIST_SESSIONS, list_sessions, IOD__LIST_SESSIONS__INIT);
        frame = scene_expect(0, IOD__FRAME__BODY_SESSIONS);
        ck_assert_uint_eq(frame->sessions->n_entry, 2);
        ck_assert_int_eq(frame->sessions->entry[0]->delivery, IOD__DELIVERY__DELIVERY_RELAYED);
        ck_assert_int_eq(frame->sessions->entry[1]->delivery, IOD__DELIVERY__DELIVERY_DIRECT);
}
END_TEST

/* ---- what may be --------------------------------------------------------------------------- */

START_TEST(a_delivery_that_is_none_is_refused)
{
        scene_open(0);
        set_delivery(0, 0);
        ck_assert_str_eq(scene_expect_refused(0, MOVE, EINVAL),
                         "a delivery is relayed or direct, not 0");
        set_delivery(0, 7);
        ck_assert_str_eq(scene_expect_refused(0, MOVE, EINVAL),
                         "a delivery is relayed or direct, not 7");
}
END_TEST

static const struct {
        const char *allowed[2]; /* by the policy */
        uint32_t deliveries;    /* in Welcome */
        int begins, refused;    /* Iod__Delivery; 0: none */
} policies[] = {
        {{NULL, NULL}, 3, IOD__DELIVERY__DELIVERY_RELAYED, 0},
        {{"relayed", "direct"}, 3, IOD__DELIVERY__DELIVERY_RELAYED, 0},
        {{"relayed", NULL}, 1, IOD__DELIVERY__DELIVERY_RELAYED, IOD__DELIVERY__DELIVERY_DIRECT},
        {{"direct", NULL}, 2, IOD__DELIVERY__DELIVERY_DIRECT, IOD__DELIVERY__DELIVERY_RELAYED},
};

START_TEST(the_policy_says_which_there_are_and_which_it_begins_with)
{
        char sentence[FRAME_TEXT_MAX];
        Session *session;
        const Iod__Frame *frame;

        for (int i = 0; i < 2; i++) {
                if (policies[_i].allowed[i])
                        ck_assert_int_eq(policy_rule_allow(sharing.rule, POLICY_DELIVERY,
                                                           policies[_i].allowed[i]),
                                         0);
        }
        session = inner_server_connect(&sharing.clients[0]);
        raw_client_hello(&sharing.clients[0], FRAME_PROTOCOL_VERSION, "");
        frame = inner_server_expect(&sharing.clients[0], IOD__FRAME__BODY_WELCOME);
        ck_assert_uint_eq(frame->welcome->deliveries, policies[_i].deliveries);
        ck_assert_int_eq(session->is_direct, policies[_i].begins == IOD__DELIVERY__DELIVERY_DIRECT);
        become(0, (Iod__Delivery)policies[_i].begins);
        if (policies[_i].refused == 0)
                return;
        set_delivery(0, policies[_i].refused);
        snprintf(sentence, sizeof(sentence),
                 "uid %u may not have delivery %s: not in policy user:tester", getuid(),
                 policies[_i].refused == IOD__DELIVERY__DELIVERY_DIRECT ? "direct" : "relayed");
        ck_assert_str_eq(scene_expect_refused(0, MOVE, EACCES), sentence);
        ck_assert_int_eq(session->is_direct, policies[_i].begins == IOD__DELIVERY__DELIVERY_DIRECT);
}
END_TEST

START_TEST(an_audit_allows_all_of_them)
{
        const Iod__Frame *frame;

        ck_assert_int_eq(policy_rule_allow(sharing.rule, POLICY_DELIVERY, "relayed"), 0);
        policy_set_audit(sharing.config->policy, true);
        inner_server_connect(&sharing.clients[0]);
        raw_client_hello(&sharing.clients[0], FRAME_PROTOCOL_VERSION, "");
        frame = inner_server_expect(&sharing.clients[0], IOD__FRAME__BODY_WELCOME);
        ck_assert_uint_eq(frame->welcome->deliveries, 3);
        become_direct(0);
}
END_TEST

START_TEST(what_is_taken_away_ends_nothing_and_is_not_given_again)
{
        Session *session = scene_open(0);

        become_direct(0);
        ck_assert_int_eq(policy_rule_allow(sharing.rule, POLICY_DELIVERY, "relayed"), 0);
        reload_refresh_limits(inner.daemon);
        inner_server_settle();
        ck_assert(session->is_direct);
        become_relayed(0);
        set_delivery(0, IOD__DELIVERY__DELIVERY_DIRECT);
        scene_expect_refused(0, MOVE, EACCES);
        add(0, 1, files[1]);
        ck_assert_uint_eq(session->registrations.count, 1);
}
END_TEST

/* ---- what the daemon passes ---------------------------------------------------------------- */

START_TEST(a_connection_in_hand_stays_and_ends_when_it_is_gone)
{
        Session *session = scene_join(0, 4, NULL);
        const uint64_t id = io_id_make(0, 1);
        int own, peer = pass_one(0, &own);

        add(0, 9, files[9]);
        become_direct(0);
        ck_assert_uint_eq(session->registrations.count, 1);
        ck_assert_uint_eq(session->charged_registrations, 1);
        await_watches(session, 0);
        ck_assert_uint_eq(worker_of(session)->in_hand_count, 1);
        put_byte(peer);
        ck_assert_ptr_null(inner_server_next(&sharing.clients[0]));
        close(own);
        service_gone(&sharing.clients[0], &id, 1);
        inner_server_settle();
        ck_assert_uint_eq(worker_of(session)->in_hand_count, 0);
        expect_nothing_charged(session);
        close(peer);
}
END_TEST

START_TEST(what_a_direct_session_is_passed_is_in_hand_and_not_registered)
{
        Session *session = scene_join(0, 4, NULL);
        Iod__Connections *connections;
        int peer;

        become_direct(0);
        peer = scene_dial();
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        ck_assert(connections->unregistered);
        ck_assert_uint_eq(connections->connection[0]->id, io_id_make(0, 1));
        ck_assert_uint_eq(session->registrations.count, 1);
        await_watches(session, 0);
        ck_assert_ptr_null(session->set_watch.ready);
        put_byte(peer);
        ck_assert_ptr_null(inner_server_next(&sharing.clients[0]));
        scene_taken(0, connections);
        inner_server_settle();
        ck_assert_uint_eq(worker_of(session)->not_taken, 0);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        ck_assert_uint_eq(worker_of(session)->in_hand_count, 1);
        service_gone(&sharing.clients[0], &connections->connection[0]->id, 1);
        inner_server_settle();
        ck_assert_uint_eq(worker_of(session)->in_hand_count, 0);
        expect_nothing_charged(session);
        close(peer);
}
END_TEST

START_TEST(one_in_hand_is_registered_under_its_id_when_the_session_is_relayed_again)
{
        Session *session = scene_join(0, 4, NULL);
        uint64_t id;
        int own, peer;

        if (_i == 0)
                become_direct(0); /* it is passed unregistered; else it was registered before */
        peer = pass_one(0, &own);
        if (_i == 1)
                become_direct(0);
        become_relayed(0);
        put_byte(peer);
        ck_assert_ptr_null(inner_server_next(&sharing.clients[0]));
        add(0, 0, own);
        ck_assert(is_told(0, 0));
        ck_assert_uint_eq(session->registrations.count, 1);
        await_watches(session, 1);
        ck_assert_uint_eq(worker_of(session)->in_hand_count, 1);
        /* And it is no more than once. */
        put_byte(peer);
        ck_assert(is_told(0, 0));
        ck_assert_ptr_null(inner_server_next(&sharing.clients[0]));
        close(own);
        id = io_id_make(0, 1);
        service_gone(&sharing.clients[0], &id, 1);
        inner_server_settle();
        ck_assert_uint_eq(worker_of(session)->in_hand_count, 0);
        ck_assert_uint_eq(session->registrations.count, 0);
        close(peer);
}
END_TEST

START_TEST(another_file_is_not_registered_under_the_id_of_one_in_hand)
{
        Session *session = scene_join(0, 4, NULL);
        int own, peer = pass_one(0, &own);

        become_direct(0);
        become_relayed(0);
        add(0, 0, files[0]);
        expect_add_refused(0, 0, ESTALE, "slot 0 is registered for another file");
        ck_assert_uint_eq(worker_of(session)->in_hand_count, 1);
        await_watches(session, 0);
        close(own);
        close(peer);
}
END_TEST

/* RemoveIoSource, of one that is in no set. */
START_TEST(one_in_hand_may_be_given_up_without_being_watched)
{
        Session *session = scene_join(0, 4, NULL);
        const uint64_t source = raw_source(0, 1, 0);
        int own, peer;

        become_direct(0);
        peer = pass_one(0, &own);
        raw_client_remove(&sharing.clients[0], 4, &source, &own, 1);
        ck_assert_ptr_null(scene_next(0));
        ck_assert_uint_eq(worker_of(session)->in_hand_count, 0);
        expect_nothing_charged(session);
        close(own);
        close(peer);
}
END_TEST

START_TEST(what_a_direct_worker_has_not_taken_goes_to_another)
{
        const uint64_t id = io_id_make(0, 1);
        Iod__Connections *connections;
        int peer;

        scene_join(0, 4, NULL);
        become_direct(0);
        peer = scene_dial();
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        scene_join(1, 4, NULL);
        if (_i == 0)
                scene_close(0);
        else
                service_leave(&sharing.clients[0], 4, 1);
        ck_assert_uint_eq(scene_connections(1, &connections), 1);
        ck_assert(!connections->unregistered);
        ck_assert(connections->connection[0]->again);
        scene_taken(1, connections);
        put_byte(peer);
        ck_assert(is_told(1, 0));
        service_gone(&sharing.clients[1], &id, 1);
        close(peer);
}
END_TEST

/* One packet at a time, and the next when it was read and taken: the session has no set, and is
 * told of it all the same. */
START_TEST(packets_follow_one_another_in_a_direct_session)
{
        Session *session = scene_join(0, 200, NULL);

        become_direct(0);
        scene_dial_many(150);
        ck_assert_uint_eq(scene_serve(0), 150);
        inner_server_settle();
        ck_assert_uint_eq(worker_of(session)->in_hand_count, 0);
        expect_nothing_charged(session);
}
END_TEST

/* It waits in the set for the client to read; and the set goes. */
START_TEST(what_waits_to_be_sent_comes_after_the_move)
{
        scene_open(0);
        for (uint32_t i = 0; i < 3; i++)
                SCENE_SEND(0, 20 + i, BIND, bind,
                           {.base = PROTOBUF_C_MESSAGE_INIT(&iod__bind__descriptor),
                            .address = (char *)"udp:127.0.0.1:0",
                            .source = raw_source(i, 1, SERVICE_INTEREST)});
        set_delivery(0, IOD__DELIVERY__DELIVERY_DIRECT);
        inner_server_settle();
        ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_OPENED)->opened->id, io_id_make(0, 1));
        ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_DONE)->sequence, MOVE);
        for (uint32_t i = 1; i < 3; i++) {
                const Iod__Frame *frame = scene_expect(0, IOD__FRAME__BODY_OPENED);

                ck_assert_uint_eq(frame->sequence, 20 + i);
                ck_assert_uint_eq(frame->opened->id, 0);
                ck_assert_uint_eq(sharing.received.count, 1);
        }
}
END_TEST

START_TEST(a_taken_listener_is_not_registered_either)
{
        Session *session = scene_open(0);
        const Iod__Frame *frame;
        uint64_t id;

        SCENE_SEND(0, 8, TAKE_LISTENER, take_listener,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__take_listener__descriptor),
                    .name = (char *)"mine",
                    .address = (char *)"tcp:127.0.0.1:0",
                    .source = raw_source(2, 1, READINESS_READABLE)});
        frame = scene_expect(0, IOD__FRAME__BODY_OPENED);
        ck_assert_uint_eq(frame->opened->id, io_id_make(2, 1));
        become_direct(0);
        expect_nothing_charged(session);
        id = io_id_make(2, 1);
        service_gone(&sharing.clients[0], &id, 1);
        ck_assert_ptr_null(scene_next(0));
        SCENE_SEND(0, 8, TAKE_LISTENER, take_listener,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__take_listener__descriptor),
                    .name = (char *)"mine",
                    .address = (char *)"",
                    .source = raw_source(2, 2, READINESS_READABLE)});
        frame = scene_await(0, IOD__FRAME__BODY_OPENED);
        ck_assert_uint_eq(frame->opened->id, 0);
        expect_nothing_charged(session);
}
END_TEST

/* ---- after another daemon ------------------------------------------------------------------ */

static void claim(int i, uint32_t slot, bool keep, const int *borrow_fds, size_t n)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Claim message = IOD__CLAIM__INIT;
        Iod__ClaimedConnection one = IOD__CLAIMED_CONNECTION__INIT, *connections[] = {&one};

        one.id = io_id_make(slot, 1);
        one.keep_on_death = keep;
        message.endpoint = 1;
        message.n_connection = 1;
        message.connection = connections;
        frame.sequence = 7;
        frame.body_case = IOD__FRAME__BODY_CLAIM;
        frame.claim = &message;
        service_send(&sharing.clients[i], &frame, borrow_fds, n);
        inner_server_settle();
}

/* A connection of the listener's that nobody here knows of. */
static int make_connection(int *own)
{
        Iod__Connections *connections;
        int peer;

        scene_join(4, 1, NULL);
        peer = scene_dial();
        ck_assert_uint_eq(scene_connections(4, &connections), 1);
        *own = fd_list_steal(&sharing.received, 0);
        scene_gone(4, connections);
        scene_close(4);
        return peer;
}

START_TEST(a_direct_worker_claims_what_it_has_in_hand)
{
        int own, peer = make_connection(&own);
        Session *session = scene_join(0, 0, NULL);
        const bool keep = _i == 1;
        const uint64_t id = io_id_make(20, 1);

        become_direct(0);
        claim(0, 20, keep, &own, keep ? 1 : 0);
        ck_assert_ptr_null(scene_next(0));
        ck_assert_uint_eq(worker_of(session)->in_hand_count, 1);
        ck_assert_uint_eq(session->charged_registrations, 1);
        await_watches(session, 0);
        ck_assert_uint_eq(inner.daemon->kept.count, keep ? 1 : 0);
        claim(0, 20, keep, &own, keep ? 1 : 0);
        ck_assert_str_eq(scene_expect_refused(0, 7, EEXIST), "slot 20 is in hand already");
        service_gone(&sharing.clients[0], &id, 1);
        inner_server_settle();
        ck_assert_uint_eq(worker_of(session)->in_hand_count, 0);
        ck_assert_uint_eq(inner.daemon->kept.count, 0);
        expect_nothing_charged(session);
        close(own);
        close(peer);
}
END_TEST

START_TEST(what_is_no_connection_of_the_listeners_is_not_claimed_and_not_charged)
{
        int own, peer = make_connection(&own);
        Session *session = scene_join(0, 0, NULL);

        become_direct(0);
        claim(0, 20, true, &files[0], 1);
        ck_assert_str_eq(scene_expect_refused(0, 7, EINVAL),
                         "the descriptor sent along is not that of slot 20");
        claim(0, 20, true, &peer, 1);
        ck_assert_str_eq(scene_await(0, IOD__FRAME__BODY_REFUSED)->refused->text,
                         "the descriptor is no connection of listener web");
        claim(0, IO_ID_SLOT_MAX, false, NULL, 0);
        scene_expect_refused(0, 7, EDQUOT);
        ck_assert_uint_eq(worker_of(session)->in_hand_count, 0);
        expect_nothing_charged(session);
        close(own);
        close(peer);
}
END_TEST

TEST_SUITE(test_moving)
{
        TCase *direct = tcase_create("going direct");
        TCase *policy = tcase_create("what may be");
        TCase *passed = tcase_create("what the daemon passes");
        TCase *claims = tcase_create("after another daemon");

        tcase_add_checked_fixture(direct, set_up, tear_down);
        tcase_set_timeout(direct, TEST_TIMEOUT_SECONDS);
        tcase_add_test(direct, a_direct_session_is_charged_for_nothing_and_told_nothing);
        tcase_add_test(direct, what_it_sends_all_the_same_is_refused);
        tcase_add_test(direct, back_again_it_registers_and_is_told);
        tcase_add_test(direct, what_it_is_already_is_no_error);
        tcase_add_test(direct, going_back_and_forth_leaves_nothing_behind);
        tcase_add_test(direct, the_list_tells_who_waits);
        suite_add_tcase(suite, direct);
        tcase_add_checked_fixture(policy, set_up, tear_down);
        tcase_set_timeout(policy, TEST_TIMEOUT_SECONDS);
        tcase_add_test(policy, a_delivery_that_is_none_is_refused);
        tcase_add_loop_test(policy, the_policy_says_which_there_are_and_which_it_begins_with, 0,
                            (int)(sizeof(policies) / sizeof(policies[0])));
        tcase_add_test(policy, an_audit_allows_all_of_them);
        tcase_add_test(policy, what_is_taken_away_ends_nothing_and_is_not_given_again);
        suite_add_tcase(suite, policy);
        tcase_add_checked_fixture(passed, set_up, tear_down);
        tcase_set_timeout(passed, TEST_TIMEOUT_SECONDS);
        tcase_add_test(passed, a_connection_in_hand_stays_and_ends_when_it_is_gone);
        tcase_add_test(passed, what_a_direct_session_is_passed_is_in_hand_and_not_registered);
        tcase_add_loop_test(
                passed, one_in_hand_is_registered_under_its_id_when_the_session_is_relayed_again, 0,
                2);
        tcase_add_test(passed, another_file_is_not_registered_under_the_id_of_one_in_hand);
        tcase_add_test(passed, one_in_hand_may_be_given_up_without_being_watched);
        tcase_add_loop_test(passed, what_a_direct_worker_has_not_taken_goes_to_another, 0, 2);
        tcase_add_test(passed, packets_follow_one_another_in_a_direct_session);
        tcase_add_test(passed, what_waits_to_be_sent_comes_after_the_move);
        tcase_add_test(passed, a_taken_listener_is_not_registered_either);
        suite_add_tcase(suite, passed);
        tcase_add_checked_fixture(claims, set_up, tear_down);
        tcase_set_timeout(claims, TEST_TIMEOUT_SECONDS);
        tcase_add_loop_test(claims, a_direct_worker_claims_what_it_has_in_hand, 0, 2);
        tcase_add_test(claims,
                       what_is_no_connection_of_the_listeners_is_not_claimed_and_not_charged);
        suite_add_tcase(suite, claims);
}
