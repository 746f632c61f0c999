/*
 * daemon/operating: what operators may and others may not, and what the policy is said to say.
 */
#include "daemon/requests/operating.h"

#include "daemon/requests/late_request.h"
#include "tests/support/deadline.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void set_paused(int i, uint32_t sequence, const char *name, bool paused)
{
        SCENE_SEND(i, sequence, SET_LISTENER, set_listener,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__set_listener__descriptor),
                    .name = (char *)name,
                    .paused = paused});
}

static void test_policy(int i, uid_t uid, const char *action, const char *object)
{
        SCENE_SEND(i, 6, TEST_POLICY, test_policy,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__test_policy__descriptor),
                    .uid = uid,
                    .action = (char *)action,
                    .object = (char *)object});
}

START_TEST(an_operator_pauses_and_resumes_a_listener)
{
        Session *session = scene_join(0, 4, NULL);

        session->sees_all = true;
        set_paused(0, 4, "web", true);
        ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_DONE)->sequence, 4);
        scene_dial_many(2);
        ck_assert_uint_eq(scene_connections(0, NULL), 0);
        set_paused(0, 5, "web", false);
        scene_expect(0, IOD__FRAME__BODY_DONE);
        ck_assert_uint_eq(scene_serve(0), 2);
        set_paused(0, 6, "nothing", true);
        ck_assert_str_eq(scene_expect_refused(0, 6, ENOENT), "there is no listener nothing");
        scene_listener()->config.shared = false;
        set_paused(0, 7, "web", true);
        ck_assert_str_eq(scene_expect_refused(0, 7, EINVAL),
                         "listener web is accepted from by who took it");
}
END_TEST

START_TEST(where_several_users_have_a_name_its_number_says_whose)
{
        Session *session = scene_join(0, 4, NULL);
        ListenerConfig config = scene_listener()->config;
        Listener *another, *configured;

        session->sees_all = true;
        ck_assert_int_eq(listener_open(&another, &inner.daemon->listeners, &config, session->user),
                         0);
        another->uid++;
        set_paused(0, 4, "web", true);
        ck_assert_str_eq(scene_expect_refused(0, 4, EINVAL),
                         "several users have a listener web: say whose");
        SCENE_SEND(0, 5, SET_LISTENER, set_listener,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__set_listener__descriptor),
                    .name = (char *)"web",
                    .listener = another->group.number,
                    .paused = true});
        scene_expect(0, IOD__FRAME__BODY_DONE);
        ck_assert(another->paused && !scene_listener()->paused);
        SCENE_SEND(0, 6, SET_LISTENER, set_listener,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__set_listener__descriptor),
                    .listener = 77,
                    .paused = true});
        ck_assert_str_eq(scene_expect_refused(0, 6, ENOENT), "there is no listener 77");
        /* One of the configuration is meant by its name alone. */
        ck_assert_int_eq(listener_open(&configured, &inner.daemon->listeners, &config, NULL), 0);
        set_paused(0, 7, "web", true);
        scene_expect(0, IOD__FRAME__BODY_DONE);
        ck_assert(configured->paused && !scene_listener()->paused);
}
END_TEST

START_TEST(another_is_told_who_may)
{
        Session *session = scene_join(0, 4, NULL);
        char sentence[FRAME_TEXT_MAX];

        session->sees_all = false;
        snprintf(sentence, sizeof(sentence), "only root and the group %.40s may do that",
                 sharing.config->admin_group);
        set_paused(0, 4, "web", true);
        ck_assert_str_eq(scene_expect_refused(0, 4, EACCES), sentence);
        ck_assert(!scene_listener()->paused);
        SCENE_SEND(0, 5, RELOAD, reload,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__reload__descriptor)});
        ck_assert_str_eq(scene_expect_refused(0, 5, EACCES), sentence);
}
END_TEST

static void ask_to_reload(uint32_t sequence)
{
        SCENE_SEND(0, sequence, RELOAD, reload,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__reload__descriptor)});
}

static bool has_answer(const Session *session)
{
        inner_server_settle();
        return TAILQ_EMPTY(&session->late_requests);
}

START_TEST(a_reload_is_answered_when_it_is_done)
{
        Session *session = scene_join(0, 4, NULL);

        session->sees_all = true;
        strcpy(inner.options.config_path, "");
        ask_to_reload(5);
        ck_assert(WAIT_UNTIL(has_answer(session), DEADLINE_MS));
        ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_RELOADED)->sequence, 5);

        /* The same for each of many; more are refused. */
        blocking_pool_pause(inner.daemon->blocking, DEADLINE_MS);
        for (uint32_t i = 0; i < LATE_REQUESTS_MAX; i++)
                ask_to_reload(10 + i);
        ask_to_reload(9);
        ck_assert_str_eq(scene_expect_refused(0, 9, EAGAIN),
                         "64 requests of this session wait already: try later");
        blocking_pool_resume(inner.daemon->blocking);
        ck_assert(WAIT_UNTIL(has_answer(session), DEADLINE_MS));
        for (uint32_t i = 0; i < LATE_REQUESTS_MAX; i++)
                ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_RELOADED)->sequence, 10 + i);
        inner.options.config_given = true;
        strcpy(inner.options.config_path, "/nonexistent/iod.conf");
        ask_to_reload(6);
        ck_assert(WAIT_UNTIL(has_answer(session), DEADLINE_MS));
        ck_assert_str_eq(scene_expect_refused(0, 6, EINVAL),
                         "/nonexistent/iod.conf: No such file or directory");
}
END_TEST

START_TEST(a_reload_is_answered_when_its_client_reads)
{
        Session *session = scene_join(0, 4, NULL);

        session->sees_all = true;
        strcpy(inner.options.config_path, "");
        blocking_pool_pause(inner.daemon->blocking, DEADLINE_MS);
        ask_to_reload(5);
        inner_server_settle();
        scene_leave_unread(session);
        scene_ask_status(0);
        blocking_pool_resume(inner.daemon->blocking);
        ck_assert(WAIT_UNTIL(has_answer(session), DEADLINE_MS));
        scene_read_all(0);
        scene_expect_beside_status(0, IOD__FRAME__BODY_RELOADED, 5);
}
END_TEST

START_TEST(a_reload_may_be_cancelled_and_its_session_end)
{
        Session *session = scene_join(0, 4, NULL);

        session->sees_all = true;
        strcpy(inner.options.config_path, "");
        blocking_pool_pause(inner.daemon->blocking, DEADLINE_MS);
        ask_to_reload(5);
        SCENE_SEND(0, 6, CANCEL, cancel,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__cancel__descriptor), .request = 5});
        ck_assert_str_eq(scene_expect_refused(0, 5, ECANCELED), "cancelled as asked for");
        blocking_pool_resume(inner.daemon->blocking);
        ask_to_reload(7);
        ask_to_reload(8);
        inner_server_close_client(&sharing.clients[0]);
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
}
END_TEST

/* As another user, by the kernel's word. */
START_TEST(one_who_is_neither_root_nor_in_the_group_is_no_operator)
{
        Session *session;

        if (geteuid() != 0)
                SKIP_TEST("another user needs root");
        scene_join(0, 4, NULL);
        ck_assert_int_eq(setgroups(0, NULL), 0);
        ck_assert_int_eq(setegid(65534), 0);
        ck_assert_int_eq(seteuid(65534), 0);
        raw_client_connect(&sharing.clients[1], inner.options.socket_path);
        ck_assert_int_eq(seteuid(0), 0);
        ck_assert_int_eq(setegid(0), 0);
        inner_server_settle();
        session = TAILQ_LAST(&inner.daemon->sessions.list, SessionList);
        ck_assert_uint_eq(session->peer.uid, 65534);
        ck_assert(!session->sees_all);
        raw_client_hello(&sharing.clients[1], 1, "test");
        scene_expect(1, IOD__FRAME__BODY_WELCOME);
        set_paused(1, 4, "web", true);
        scene_expect_refused(1, 4, EACCES);
        service_join(&sharing.clients[1], 5, "web", "", 0, 1, NULL);
        scene_expect_refused(1, 5, ENOENT);
}
END_TEST

/* ---- the policy ---- */

static const struct Question {
        const char *action;
        const char *object;
        bool allowed;
} questions[] = {
        {"listen", "tcp:127.0.0.1:80", true},
        {"listen", "tcp:192.0.2.1:80", false},
        {"connect", "tcp:127.0.0.1:443", true},
        {"connect", "tcp:example.org:443", false},
        {"bind", "udp:127.0.0.1:53", true},
        {"bind", "udp:*:53", false},
        {"serve", "web", false},
        {"hold", "web.1", true},
        {"hold", "other", false},
};

START_TEST(the_policy_is_asked_about_each_action)
{
        const struct Question *question = &questions[_i];
        const Iod__PolicyTested *tested;

        scene_open(0);
        test_policy(0, getuid(), question->action, question->object);
        tested = scene_expect(0, IOD__FRAME__BODY_POLICY_TESTED)->policy_tested;
        ck_assert_int_eq(tested->allowed, question->allowed);
        ck_assert_ptr_nonnull(strstr(tested->rule, "user:tester"));
}
END_TEST

START_TEST(an_audit_changes_what_happens_and_not_what_the_policy_says)
{
        policy_set_audit(sharing.config->policy, true);
        scene_open(0);
        test_policy(0, getuid(), "hold", "other");
        ck_assert(!scene_expect(0, IOD__FRAME__BODY_POLICY_TESTED)->policy_tested->allowed);
        service_join(&sharing.clients[0], 2, "unruled", "tcp:127.0.0.2:0", 0, 1, NULL);
        scene_expect(0, IOD__FRAME__BODY_JOINED);
}
END_TEST

START_TEST(what_is_no_question_is_refused)
{
        scene_open(0);
        test_policy(0, getuid(), "dance", "web");
        ck_assert_str_eq(scene_expect_refused(0, 6, EINVAL),
                         "\"dance\" is not listen, connect, bind, serve, hold or delivery");
        test_policy(0, getuid(), "listen", "web");
        scene_expect_refused(0, 6, EINVAL);
}
END_TEST

START_TEST(only_operators_ask_about_others)
{
        Session *session = scene_open(0);

        session->sees_all = false;
        test_policy(0, getuid() + 1, "hold", "web");
        scene_expect_refused(0, 6, EACCES);
        session->sees_all = true;
        test_policy(0, getuid() + 1, "hold", "web");
        ck_assert(!scene_await(0, IOD__FRAME__BODY_POLICY_TESTED)->policy_tested->allowed);
}
END_TEST

TEST_SUITE(test_operating)
{
        TCase *listeners = tcase_create("listeners"), *policy = tcase_create("policy");

        tcase_add_checked_fixture(listeners, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_add_checked_fixture(policy, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_set_timeout(listeners, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(policy, TEST_TIMEOUT_SECONDS);
        tcase_add_test(listeners, an_operator_pauses_and_resumes_a_listener);
        tcase_add_test(listeners, where_several_users_have_a_name_its_number_says_whose);
        tcase_add_test(listeners, another_is_told_who_may);
        tcase_add_test(listeners, a_reload_is_answered_when_it_is_done);
        tcase_add_test(listeners, a_reload_is_answered_when_its_client_reads);
        tcase_add_test(listeners, a_reload_may_be_cancelled_and_its_session_end);
        tcase_add_test(listeners, one_who_is_neither_root_nor_in_the_group_is_no_operator);
        tcase_add_loop_test(policy, the_policy_is_asked_about_each_action, 0,
                            sizeof(questions) / sizeof(questions[0]));
        tcase_add_test(policy, an_audit_changes_what_happens_and_not_what_the_policy_says);
        tcase_add_test(policy, what_is_no_question_is_refused);
        tcase_add_test(policy, only_operators_ask_about_others);
        suite_add_tcase(suite, listeners);
        suite_add_tcase(suite, policy);
}
