/*
 * daemon/sharing: who may join what, what the answer says, what each mistake is called, and that a
 * request that was refused leaves nothing behind.
 */
#include "daemon/listen/balancer.h"
#include "daemon/requests/sharing.h"

#include "daemon/process/log.h"
#include "tests/support/capture.h"
#include "tests/support/sharing_scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void join(int i, uint32_t sequence, const char *name, const char *address)
{
        service_join(&sharing.clients[i], sequence, name, address, 0, 1, NULL);
}

/* ---- joining ---- */

START_TEST(a_listener_is_opened_for_the_first_and_found_by_the_others)
{
        char bound[ADDRESS_TEXT_MAX];
        const Iod__Joined *joined;

        scene_open(0);
        join(0, 1, "web", "tcp:127.0.0.1:0");
        joined = scene_expect(0, IOD__FRAME__BODY_JOINED)->joined;
        ck_assert_uint_eq(joined->endpoint, 1);
        ck_assert_str_eq(joined->address, scene_listener()->address);
        ck_assert_int_eq(strncmp(joined->address, "tcp:127.0.0.1:", 14), 0);
        ck_assert_str_ne(joined->address, "tcp:127.0.0.1:0");
        strcpy(bound, joined->address);

        /* By its name; as it was asked for; and where it is. */
        scene_open(1);
        join(1, 2, "web", "");
        ck_assert_str_eq(scene_expect(1, IOD__FRAME__BODY_JOINED)->joined->address, bound);
        join(1, 3, "web", "tcp:127.0.0.1:0");
        joined = scene_expect(1, IOD__FRAME__BODY_JOINED)->joined;
        ck_assert_uint_eq(joined->endpoint, 2);
        ck_assert_str_eq(joined->address, bound);
        join(1, 4, "web", bound);
        ck_assert_str_eq(scene_expect(1, IOD__FRAME__BODY_JOINED)->joined->address, bound);
        ck_assert_uint_eq(inner.daemon->listeners.count, 1);
}
END_TEST

START_TEST(a_connection_reaches_a_worker_ready_to_be_used)
{
        Iod__Connections *connections;
        char bytes[6] = "";
        int peer;

        scene_join(0, 1, NULL);
        peer = scene_dial();
        ck_assert_int_eq(write(peer, "hello", 5), 5);
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        ck_assert_uint_eq(connections->endpoint, 1);
        ck_assert_uint_eq(connections->connection[0]->id, io_id_make(0, 1));
        ck_assert(!connections->connection[0]->again);
        ck_assert_int_eq(strncmp(connections->connection[0]->address, "tcp:127.0.0.1:", 14), 0);
        ck_assert_uint_eq(sharing.received.count, 1);
        ck_assert_int_eq(read(fd_list_borrow(&sharing.received, 0), bytes, 5), 5);
        ck_assert_str_eq(bytes, "hello");
        /* It is registered: what it can do now is told without a request. */
        ck_assert_int_eq(inner_server_next(&sharing.clients[0])->body_case,
                         IOD__FRAME__BODY_READINESS);
        close(peer);
}
END_TEST

START_TEST(a_listener_of_that_name_is_somewhere_else)
{
        char sentence[FRAME_TEXT_MAX];

        scene_join(0, 1, NULL);
        snprintf(sentence, sizeof(sentence), "listener web is at %.40s already",
                 scene_listener()->address);
        join(0, 2, "web", "tcp:127.0.0.1:1");
        ck_assert_str_eq(scene_expect_refused(0, 2, EEXIST), sentence);
        join(0, 3, "web", "unix:/tmp/web");
        ck_assert_str_eq(scene_expect_refused(0, 3, EEXIST), sentence);
}
END_TEST

static const struct Mistake {
        const char *name;
        const char *address;
        int error;
        const char *sentence; /* NULL: not ours */
} mistakes[] = {
        {"web", "", ENOENT, "there is no listener web"},
        {"", "tcp:127.0.0.1:0", EINVAL, "a listener's name has 1 to 63 bytes"},
        {"a b", "tcp:127.0.0.1:0", EINVAL,
         "a listener's name has no blank: it is printable ASCII without blanks, quotes, \\ and *"},
        {"web*", "tcp:127.0.0.1:0", EINVAL,
         "a listener's name has no *: it is printable ASCII without blanks, quotes, \\ and *"},
        {"1234567890123456789012345678901234567890123456789012345678901234", "", EINVAL,
         "a listener's name has 1 to 63 bytes"},
        {"web", "udp:127.0.0.1:0", EINVAL, "a UDP socket is no listener: bind it"},
        {"web", "tcp:localhost:0", EINVAL, "listening takes a number or *, not the name localhost"},
        {"web", "127.0.0.1:80", EINVAL, NULL},
        {"web", "tcp:192.0.2.1:80", EACCES, NULL},
};

START_TEST(what_cannot_be_joined_is_refused_and_nothing_is_opened)
{
        const struct Mistake *mistake = &mistakes[_i];
        const char *sentence;

        scene_open(0);
        join(0, 5, mistake->name, mistake->address);
        sentence = scene_expect_refused(0, 5, mistake->error);
        if (mistake->sentence)
                ck_assert_str_eq(sentence, mistake->sentence);
        ck_assert_uint_eq(inner.daemon->listeners.count, 0);
}
END_TEST

START_TEST(one_that_an_earlier_daemon_named_otherwise_is_found_by_that_name)
{
        const char *name = "we*b\"";
        Session *session = scene_join(0, 1, NULL);
        ListenerConfig config = scene_listener()->config;
        Listener *restored;

        strcpy(config.name, name);
        ck_assert_int_eq(listener_open(&restored, &inner.daemon->listeners, &config, session->user),
                         0);
        scene_open(1);
        join(1, 2, name, "");
        ck_assert_str_eq(scene_expect(1, IOD__FRAME__BODY_JOINED)->joined->address,
                         restored->address);
        join(1, 3, name, "tcp:127.0.0.1:0");
        ck_assert_str_eq(scene_expect(1, IOD__FRAME__BODY_JOINED)->joined->address,
                         restored->address);
        join(1, 4, "we*", "");
        scene_expect_refused(1, 4, EINVAL);
}
END_TEST

START_TEST(an_address_in_use_is_refused)
{
        char address[ADDRESS_TEXT_MAX];

        scene_join(0, 1, NULL);
        strcpy(address, scene_listener()->address);
        join(0, 2, "web2", address);
        scene_expect_refused(0, 2, EADDRINUSE);
        ck_assert_uint_eq(inner.daemon->listeners.count, 1);
}
END_TEST

START_TEST(a_refusal_by_the_policy_names_the_rule_in_the_reply_and_in_the_log)
{
        static char log[4096];
        char sentence[FRAME_TEXT_MAX];

        scene_open(0);
        join(0, 5, "web", "tcp:192.0.2.1:80");
        log_open(LOG_NOTICE);
        capture_start(STDERR_FILENO);
        inner_server_settle();
        capture_end(log, sizeof(log));
        strcpy(sentence, scene_expect_refused(0, 5, EACCES));
        ck_assert_ptr_nonnull(strstr(sentence, "user:tester"));
        ck_assert_ptr_nonnull(strstr(sentence, "tcp:192.0.2.1:80"));
        ck_assert_msg(strstr(log, sentence) != NULL, "%s", log);
}
END_TEST

START_TEST(a_listener_that_is_there_to_be_taken_is_not_joined)
{
        scene_open(0);
        SCENE_SEND(0, 1, TAKE_LISTENER, take_listener,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__take_listener__descriptor),
                    .name = (char *)"web",
                    .address = (char *)"tcp:127.0.0.1:0"});
        scene_expect(0, IOD__FRAME__BODY_OPENED);
        join(0, 2, "web", "");
        ck_assert_str_eq(scene_expect_refused(0, 2, EINVAL),
                         "listener web is there to be taken, not to be joined");
}
END_TEST

/* Client 1 is another user, whom the policy allows the same, and what is in serve unless NULL. */
static void become_another(const char *serve)
{
        Session *session = scene_open(1);
        PolicyRule *rule;

        session->peer.uid++;
        ck_assert_int_eq(policy_add_rule(sharing.config->policy, POLICY_USER, session->peer.uid,
                                         "user:other", &rule),
                         0);
        ck_assert_int_eq(policy_rule_allow(rule, POLICY_LISTEN, "tcp:127.0.0.1:*"), 0);
        if (serve)
                ck_assert_int_eq(policy_rule_allow(rule, POLICY_SERVE, serve), 0);
}

START_TEST(another_users_listener_is_joined_only_where_a_rule_says_so)
{
        char address[ADDRESS_TEXT_MAX];

        scene_join(0, 1, NULL);
        strcpy(address, scene_listener()->address);
        become_another("web");
        join(1, 2, "web", "");
        ck_assert_str_eq(scene_expect(1, IOD__FRAME__BODY_JOINED)->joined->address, address);
        join(1, 3, "web", address);
        ck_assert_str_eq(scene_expect(1, IOD__FRAME__BODY_JOINED)->joined->address, address);
        ck_assert_uint_eq(inner.daemon->listeners.count, 1);
}
END_TEST

START_TEST(another_users_listener_is_not_there_for_who_may_not_serve_it)
{
        const char *sentence;

        scene_join(0, 1, NULL);
        become_another(NULL);
        join(1, 2, "web", "");
        sentence = scene_expect_refused(1, 2, ENOENT);
        ck_assert_str_eq(sentence, "there is no listener web");
        join(1, 3, "webs", "");
        ck_assert_str_eq(scene_expect_refused(1, 3, ENOENT), "there is no listener webs");
}
END_TEST

/* On loopback, where nobody listens now. */
static void find_free_address(char out[static ADDRESS_TEXT_MAX])
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
        close(fd);
        snprintf(out, ADDRESS_TEXT_MAX, "tcp:127.0.0.1:%u", ntohs(address.sin_port));
}

START_TEST(each_user_has_names_of_their_own)
{
        char address[ADDRESS_TEXT_MAX];

        scene_join(0, 4, NULL);
        become_another(_i == 0 ? NULL : "web");
        find_free_address(address);
        /* Elsewhere it is another one, also for who may serve the first. */
        for (uint32_t i = 0; i < 2; i++) {
                service_join(&sharing.clients[1], 2 + i, "web", i == 0 ? address : "", 4 * i, 4,
                             NULL);
                ck_assert_str_eq(scene_expect(1, IOD__FRAME__BODY_JOINED)->joined->address,
                                 address);
                /* To the quota they are one. */
                TAILQ_LAST(&inner.daemon->listeners.list, ListenerList)->uid = getuid() + 1;
        }
        ck_assert_uint_eq(inner.daemon->listeners.count, 2);
        scene_dial_many(1);
        ck_assert_uint_eq(scene_serve(0), 1);
        ck_assert_uint_eq(scene_serve(1), 0);
        /* And it ends with its user, not with the other. */
        listener_free(scene_listener());
        service_join(&sharing.clients[0], 5, "web", "", 8, 1, NULL);
        scene_expect_refused(0, 5, ENOENT);
        join(1, 6, "web", "");
        scene_expect(1, IOD__FRAME__BODY_JOINED);
}
END_TEST

START_TEST(one_of_the_configuration_is_everybodys)
{
        ListenerConfig config = {.name = "web", .shared = true};
        Listener *configured;

        scene_join(0, 1, NULL);
        become_another("web");
        ck_assert_int_eq(address_parse("tcp:127.0.0.1:0", &config.address), 0);
        ck_assert_int_eq(listener_open(&configured, &inner.daemon->listeners, &config, NULL), 0);
        join(1, 2, "web", "");
        ck_assert_str_eq(scene_expect(1, IOD__FRAME__BODY_JOINED)->joined->address,
                         configured->address);
        join(1, 3, "web", "tcp:127.0.0.1:1");
        scene_expect_refused(1, 3, EEXIST);
        /* Who may not serve it has none of that name. */
        join(0, 4, "web", "");
        scene_expect_refused(0, 4, EACCES);
}
END_TEST

/* ---- what is wrong with the rest of a join ---- */

static const struct BadJoin {
        uint32_t weight;
        uint32_t silent_ms;
        uint32_t keep_seconds;
        uint64_t source;
        const char *sentence;
} bad_joins[] = {
        {101, 0, 0, 0, "a worker's weight is at most 100"},
        {0, 600001, 0, 0, "at most 600000 ms of silence and 86400 s of keeping are possible"},
        {0, 0, 86401, 0, "at most 600000 ms of silence and 86400 s of keeping are possible"},
        {0, 0, 0, UINT64_C(3) << 48, "an offered id has a generation and an interest"},
        {0, 0, 0, UINT64_C(1) << 24, "an offered id has a generation and an interest"},
        {0, 0, 0, UINT64_C(4) << 48 | UINT64_C(1) << 24,
         "an offered id has a generation and an interest"},
};

START_TEST(a_join_that_is_wrong_leaves_no_listener_behind)
{
        const struct BadJoin *bad = &bad_joins[_i];
        Iod__ListenerOptions options = IOD__LISTENER_OPTIONS__INIT;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Join request = IOD__JOIN__INIT;
        uint64_t source = bad->source;

        options.silent_ms = bad->silent_ms;
        options.keep_seconds = bad->keep_seconds;
        request.name = (char *)"web";
        request.address = (char *)"tcp:127.0.0.1:0";
        request.weight = bad->weight;
        request.options = &options;
        request.source = &source;
        request.n_source = source != 0;
        frame.sequence = 4;
        frame.body_case = IOD__FRAME__BODY_JOIN;
        frame.join = &request;
        scene_open(0);
        service_send(&sharing.clients[0], &frame, NULL, 0);
        ck_assert_str_eq(scene_expect_refused(0, 4, EINVAL), bad->sentence);
        ck_assert_uint_eq(inner.daemon->listeners.count, 0);
}
END_TEST

START_TEST(who_may_not_hold_cannot_have_connections_kept_on_death)
{
        Iod__Join request = IOD__JOIN__INIT;

        scene_open(0);
        request.name = (char *)"other";
        request.address = (char *)"tcp:127.0.0.1:0";
        request.keep_on_death = true;
        service_join_as(&sharing.clients[0], 4, &request, 0, 1);
        scene_expect_refused(0, 4, EACCES);
        ck_assert_uint_eq(inner.daemon->listeners.count, 0);
        request.name = (char *)"web";
        service_join_as(&sharing.clients[0], 5, &request, 0, 1);
        scene_expect(0, IOD__FRAME__BODY_JOINED);
}
END_TEST

START_TEST(a_session_has_so_many_endpoints)
{
        scene_join(0, 0, NULL);
        for (uint32_t i = 2; i <= WORKER_PER_SESSION_MAX; i++) {
                join(0, i, "web", "");
                ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_JOINED)->joined->endpoint, i);
        }
        join(0, 1000, "web", "");
        scene_expect_refused(0, 1000, EDQUOT);
        service_leave(&sharing.clients[0], 1001, 7);
        scene_expect(0, IOD__FRAME__BODY_DONE);
        join(0, 1002, "web", "");
        scene_expect(0, IOD__FRAME__BODY_JOINED);
}
END_TEST

/* ---- offering and leaving ---- */

START_TEST(an_offer_takes_so_many_ids)
{
        scene_join(0, 1024, NULL);
        for (uint32_t i = 1; i < 4; i++)
                service_offer(&sharing.clients[0], 0, 1, 1024 * i, 1024);
        ck_assert_ptr_null(scene_next(0));
        ck_assert_uint_eq(balancer_credit(&scene_listener()->group), 4096);
        service_offer(&sharing.clients[0], 2, 1, 4096, 1);
        ck_assert_str_eq(scene_expect_refused(0, 2, EDQUOT),
                         "a worker may have 4096 unused ids offered");
        ck_assert_uint_eq(balancer_credit(&scene_listener()->group), 4096);
}
END_TEST

START_TEST(an_endpoint_that_is_none_is_refused)
{
        scene_join(0, 1, NULL);
        service_offer(&sharing.clients[0], 2, 2, 0, 1);
        ck_assert_str_eq(scene_expect_refused(0, 2, ENOENT), "this session has no endpoint 2");
        service_leave(&sharing.clients[0], 3, 2);
        ck_assert_str_eq(scene_expect_refused(0, 3, ENOENT), "this session has no endpoint 2");
        service_leave(&sharing.clients[0], 4, 1);
        ck_assert_uint_eq(scene_expect(0, IOD__FRAME__BODY_DONE)->sequence, 4);
        service_leave(&sharing.clients[0], 5, 1);
        scene_expect_refused(0, 5, ENOENT);
        /* Another session's is none of this one's. */
        scene_open(1);
        service_offer(&sharing.clients[1], 6, 1, 0, 1);
        scene_expect_refused(1, 6, ENOENT);
}
END_TEST

START_TEST(who_takes_a_listener_has_no_endpoint_of_it)
{
        scene_open(0);
        SCENE_SEND(0, 1, TAKE_LISTENER, take_listener,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__take_listener__descriptor),
                    .name = (char *)"web",
                    .address = (char *)"tcp:127.0.0.1:0"});
        scene_expect(0, IOD__FRAME__BODY_OPENED);
        service_offer(&sharing.clients[0], 2, 1, 0, 1);
        ck_assert_str_eq(scene_expect_refused(0, 2, ENOENT), "this session has no endpoint 1");
        service_leave(&sharing.clients[0], 3, 1);
        ck_assert_str_eq(scene_expect_refused(0, 3, ENOENT), "this session has no endpoint 1");
}
END_TEST

START_TEST(a_users_workers_offer_no_more_than_their_share_together)
{
        Session *session = scene_join(0, 10, NULL);
        Share *share = &inner.daemon->listeners.offered;
        uint64_t others = 0;

        ck_assert_uint_eq(session->user->offered, 10);
        ck_assert_uint_eq(share->used, 10);
        /* Who has 10 may have 5 more where 15 are left. */
        share_take(share, &others, share->max - 25);
        service_offer(&sharing.clients[0], 8, 1, 10, 6);
        ck_assert_ptr_nonnull(strstr(scene_expect_refused(0, 8, EDQUOT), "10 are yours"));
        service_join(&sharing.clients[0], 9, "web", "", 10, 6, NULL);
        scene_expect_refused(0, 9, EDQUOT);
        ck_assert_uint_eq(session->worker_count, 1);
        service_offer(&sharing.clients[0], 10, 1, 10, 5);
        ck_assert_ptr_null(scene_next(0));
        ck_assert_uint_eq(session->user->offered, 15);
        share_give_back(share, &others, others);
        service_leave(&sharing.clients[0], 11, 1);
        scene_expect(0, IOD__FRAME__BODY_DONE);
        ck_assert_uint_eq(session->user->offered, 0);
        ck_assert_uint_eq(share->used, 0);
}
END_TEST

TEST_SUITE(test_sharing)
{
        TCase *joining = tcase_create("joining"), *rest = tcase_create("offering");

        tcase_add_checked_fixture(joining, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_add_checked_fixture(rest, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_set_timeout(joining, TEST_TIMEOUT_SECONDS);
        tcase_set_timeout(rest, TEST_TIMEOUT_SECONDS);
        tcase_add_test(joining, a_users_workers_offer_no_more_than_their_share_together);
        tcase_add_test(joining, a_listener_is_opened_for_the_first_and_found_by_the_others);
        tcase_add_test(joining, a_connection_reaches_a_worker_ready_to_be_used);
        tcase_add_test(joining, a_listener_of_that_name_is_somewhere_else);
        tcase_add_loop_test(joining, what_cannot_be_joined_is_refused_and_nothing_is_opened, 0,
                            sizeof(mistakes) / sizeof(mistakes[0]));
        tcase_add_test(joining, one_that_an_earlier_daemon_named_otherwise_is_found_by_that_name);
        tcase_add_test(joining, an_address_in_use_is_refused);
        tcase_add_test(joining, a_refusal_by_the_policy_names_the_rule_in_the_reply_and_in_the_log);
        tcase_add_test(joining, a_listener_that_is_there_to_be_taken_is_not_joined);
        tcase_add_test(joining, another_users_listener_is_joined_only_where_a_rule_says_so);
        tcase_add_test(joining, another_users_listener_is_not_there_for_who_may_not_serve_it);
        tcase_add_loop_test(joining, each_user_has_names_of_their_own, 0, 2);
        tcase_add_test(joining, one_of_the_configuration_is_everybodys);
        tcase_add_loop_test(joining, a_join_that_is_wrong_leaves_no_listener_behind, 0,
                            sizeof(bad_joins) / sizeof(bad_joins[0]));
        tcase_add_test(joining, who_may_not_hold_cannot_have_connections_kept_on_death);
        tcase_add_test(joining, a_session_has_so_many_endpoints);
        tcase_add_test(rest, an_offer_takes_so_many_ids);
        tcase_add_test(rest, an_endpoint_that_is_none_is_refused);
        tcase_add_test(rest, who_takes_a_listener_has_no_endpoint_of_it);
        suite_add_tcase(suite, joining);
        suite_add_tcase(suite, rest);
}
