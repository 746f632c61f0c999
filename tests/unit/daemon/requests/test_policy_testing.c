/*
 * daemon/requests/policy_testing, and whatever else a client may name a user, a host or a service
 * with: no name service is asked on the loop's thread, nor for who may not ask; and while one hangs
 * others are answered, and all ends as ever. The name services are the test's.
 */
#include "core/error.h"
#include "daemon/requests/policy_testing.h"
#include "tests/support/deadline.h"
#include "tests/support/sharing_scene.h"
#include "tests/support/stub_names.h"

#include <stdio.h>
#include <unistd.h>

enum { SEQUENCE = 6 };

static void set_up(void)
{
        PolicyRule *rule;

        sharing_scene_set_up();
        ck_assert_int_eq(policy_add_rule(sharing.config->policy, POLICY_GROUP, STUB_GROUP,
                                         "group:stub", &rule),
                         0);
        ck_assert_int_eq(policy_rule_allow(rule, POLICY_HOLD, "mine"), 0);
        ck_assert_int_eq(policy_rule_allow(sharing.rule, POLICY_CONNECT, "tcp:*.test:*"), 0);
        stub_names_open();
}

static void tear_down(void)
{
        ck_assert(!stub_names_loop_asked());
        stub_names_hang(false);
        sharing_scene_tear_down();
}

static void test_policy(int i, uid_t uid, const char *action, const char *object)
{
        SCENE_SEND(i, SEQUENCE, TEST_POLICY, test_policy,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__test_policy__descriptor),
                    .uid = uid,
                    .action = (char *)action,
                    .object = (char *)object});
}

static void connect_to(int i, uint32_t sequence, const char *address)
{
        SCENE_SEND(i, sequence, CONNECT, connect,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__connect__descriptor),
                    .address = (char *)address});
}

/* An operator, and a neighbour who is answered whenever they ask. */
static Session *open_both(void)
{
        Session *session = scene_open(0);

        session->sees_all = true;
        scene_open(1);
        return session;
}

static void expect_neighbour_served(void)
{
        SCENE_SEND(1, 3, GET_STATUS, get_status,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__get_status__descriptor)});
        ck_assert_uint_eq(scene_expect(1, IOD__FRAME__BODY_STATUS)->sequence, 3);
}

START_TEST(about_oneself_and_from_who_may_not_ask_it_asks_nobody)
{
        Session *session = scene_open(0);

        session->sees_all = false;
        test_policy(0, getuid(), "hold", "web.1");
        ck_assert(scene_expect(0, IOD__FRAME__BODY_POLICY_TESTED)->policy_tested->allowed);
        test_policy(0, STUB_UID, "hold", "mine");
        scene_expect_refused(0, SEQUENCE, EACCES);
        session->sees_all = true;
        test_policy(0, STUB_UID, "dance", "mine");
        scene_expect_refused(0, SEQUENCE, EINVAL);
        test_policy(0, STUB_UID, "connect", "nothing");
        ck_assert_str_eq(scene_expect_refused(0, SEQUENCE, EINVAL),
                         "address \"nothing\": it begins with tcp:, udp: or unix:");
        ck_assert_int_eq(stub_names_begun(), 0);
}
END_TEST

START_TEST(the_groups_of_another_are_looked_up_while_others_are_served)
{
        const Iod__PolicyTested *tested;

        open_both();
        stub_names_hang(true);
        test_policy(0, STUB_UID, "hold", "mine");
        inner_server_settle();
        stub_names_await(1);
        expect_neighbour_served();
        ck_assert_ptr_null(scene_next(0));
        stub_names_hang(false);
        tested = scene_await(0, IOD__FRAME__BODY_POLICY_TESTED)->policy_tested;
        ck_assert(tested->allowed);
        ck_assert_str_eq(tested->rule, "policy \"group:stub\", hold \"mine\"");

        /* One whom nobody knows has no groups. */
        test_policy(0, STUB_UID + 1, "hold", "mine");
        tested = scene_await(0, IOD__FRAME__BODY_POLICY_TESTED)->policy_tested;
        ck_assert(!tested->allowed);
}
END_TEST

static bool has_answer(const Session *session)
{
        inner_server_settle();
        return TAILQ_EMPTY(&session->late_requests);
}

START_TEST(a_client_that_does_not_read_is_answered_when_it_does)
{
        Session *session = open_both();

        stub_names_hang(true);
        test_policy(0, STUB_UID, "hold", "mine");
        inner_server_settle();
        stub_names_await(1);
        scene_leave_unread(session);
        scene_ask_status(0);
        stub_names_hang(false);
        ck_assert(WAIT_UNTIL(has_answer(session), DEADLINE_MS));
        expect_neighbour_served();
        scene_read_all(0);
        scene_expect_beside_status(0, IOD__FRAME__BODY_POLICY_TESTED, SEQUENCE);
}
END_TEST

START_TEST(a_name_service_that_fails_is_said)
{
        char expected[96];

        open_both();
        stub_names.account_error = EIO;
        test_policy(0, STUB_UID, "hold", "mine");
        snprintf(expected, sizeof(expected), "cannot look up user %d: %s", STUB_UID, strerror(EIO));
        ck_assert_str_eq(scene_await(0, IOD__FRAME__BODY_REFUSED)->refused->text, expected);
}
END_TEST

START_TEST(a_service_is_no_port_here)
{
        static const char *const addresses[] = {"tcp:127.0.0.1:http", "tcp:a.test:no-such-service"};

        open_both();
        stub_names_hang(true);
        for (size_t i = 0; i < 2; i++) {
                connect_to(0, SEQUENCE, addresses[i]);
                ck_assert_ptr_nonnull(strstr(scene_expect_refused(0, SEQUENCE, EINVAL),
                                             "its port has to be a number"));
                test_policy(0, STUB_UID, "connect", addresses[i]);
                scene_expect_refused(0, SEQUENCE, EINVAL);
        }
        ck_assert_int_eq(stub_names_begun(), 0);
}
END_TEST

START_TEST(an_audit_asks_nobody_what_a_user_is_called)
{
        open_both();
        stub_names_hang(true);
        policy_set_audit(sharing.config->policy, true);
        connect_to(0, SEQUENCE, "tcp:192.0.2.1:1");
        inner_server_settle();
        ck_assert_int_eq(stub_names_begun(), 0);
        expect_neighbour_served();
}
END_TEST

/* What is under way when its session, or the daemon, ends. */
static void begin_to_hang(bool is_connect)
{
        open_both();
        stub_names_hang(true);
        if (is_connect)
                connect_to(0, SEQUENCE, "tcp:a.test:80");
        else
                test_policy(0, STUB_UID, "hold", "mine");
        inner_server_settle();
        stub_names_await(1);
        expect_neighbour_served();
}

START_TEST(it_may_be_cancelled_while_the_name_service_hangs)
{
        begin_to_hang(_i);
        SCENE_SEND(
                0, 7, CANCEL, cancel,
                {.base = PROTOBUF_C_MESSAGE_INIT(&iod__cancel__descriptor), .request = SEQUENCE});
        scene_expect_refused(0, SEQUENCE, ECANCELED);
        expect_neighbour_served();
}
END_TEST

START_TEST(its_session_may_end_while_the_name_service_hangs)
{
        begin_to_hang(_i);
        inner_server_close_client(&sharing.clients[0]);
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        expect_neighbour_served();
}
END_TEST

START_TEST(the_daemon_may_end_while_the_name_service_hangs)
{
        begin_to_hang(_i);
        inner.server = server_close(inner.server);
        ck_assert_ptr_null(inner.server);
        ck_assert(!stub_names_loop_asked());
        /* For the end of the scene. Who starts may ask. */
        sharing.config = inner_server_config();
        sharing_scene_open();
        stub_names_open();
}
END_TEST

TEST_SUITE(test_policy_testing)
{
        TCase *names = tcase_create("names");

        tcase_add_checked_fixture(names, set_up, tear_down);
        tcase_add_test(names, about_oneself_and_from_who_may_not_ask_it_asks_nobody);
        tcase_add_test(names, the_groups_of_another_are_looked_up_while_others_are_served);
        tcase_add_test(names, a_client_that_does_not_read_is_answered_when_it_does);
        tcase_add_test(names, a_name_service_that_fails_is_said);
        tcase_add_test(names, a_service_is_no_port_here);
        tcase_add_test(names, an_audit_asks_nobody_what_a_user_is_called);
        tcase_add_loop_test(names, it_may_be_cancelled_while_the_name_service_hangs, 0, 2);
        tcase_add_loop_test(names, its_session_may_end_while_the_name_service_hangs, 0, 2);
        tcase_add_loop_test(names, the_daemon_may_end_while_the_name_service_hangs, 0, 2);
        tcase_set_timeout(names, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, names);
}
