/*
 * daemon/metrics: what is counted is what happened, it fits in a packet however long the names are,
 * and nobody sees what is another user's.
 */
#include "daemon/requests/metrics.h"

#include "tests/support/sharing_scene.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const Iod__Metrics *get_metrics(int i)
{
        SCENE_SEND(i, 7, GET_METRICS, get_metrics, IOD__GET_METRICS__INIT);
        return scene_expect(i, IOD__FRAME__BODY_METRICS)->metrics;
}

static uint64_t count_of(const Iod__Histogram *histogram)
{
        uint64_t all = 0;

        ck_assert_uint_eq(histogram->n_count, histogram->n_bound_ns + 1);
        for (size_t i = 0; i < histogram->n_count; i++)
                all += histogram->count[i];
        return all;
}

START_TEST(a_connection_is_timed_once_its_worker_has_taken_it)
{
        const Iod__Metrics *metrics;
        Iod__Connections *connections;
        uint64_t ids[2];

        scene_join(0, 4, NULL);
        scene_open(1)->sees_all = true;
        scene_dial_many(2);
        ck_assert_uint_eq(scene_connections(0, &connections), 2);
        ids[0] = connections->connection[0]->id;
        ids[1] = connections->connection[1]->id;
        metrics = get_metrics(1);
        ck_assert_uint_eq(count_of(metrics->takes), 0);
        ck_assert_uint_eq(metrics->accepted, 2);
        ck_assert_uint_eq(metrics->passed, 2);
        ck_assert_uint_eq(metrics->not_taken, 2);
        ck_assert_uint_eq(metrics->n_listener, 1);
        ck_assert_str_eq(metrics->listener[0]->listener->name, "web");
        ck_assert_uint_eq(metrics->listener[0]->not_taken, 2);

        /* Here a turn goes on until somebody ends it. */
        inner.daemon->loop.turn.began_ns += 1234567;
        service_taken(&sharing.clients[0], ids, 1);
        metrics = get_metrics(1);
        ck_assert_uint_eq(count_of(metrics->takes), 1);
        ck_assert_uint_eq(metrics->takes->sum_ns, 1234567);
        ck_assert_uint_eq(metrics->not_taken, 1);
        service_taken(&sharing.clients[0], ids + 1, 1);
        metrics = get_metrics(1);
        ck_assert_uint_eq(count_of(metrics->takes), 2);
        ck_assert_uint_eq(metrics->not_taken, 0);
}
END_TEST

/* What a worker had counts once, whoever has it afterwards. */
START_TEST(what_is_passed_again_is_not_timed_again)
{
        Iod__Connections *connections;
        const Iod__Metrics *metrics;

        scene_join(0, 4, NULL);
        scene_dial_many(1);
        ck_assert_uint_eq(scene_connections(0, &connections), 1);
        scene_join(1, 4, NULL);
        scene_close(0);
        ck_assert_uint_eq(scene_connections(1, &connections), 1);
        scene_taken(1, connections);
        scene_open(2)->sees_all = true;
        metrics = get_metrics(2);
        ck_assert_uint_eq(count_of(metrics->takes), 1);
        ck_assert_uint_eq(metrics->passed_again, 1);
        ck_assert_uint_eq(metrics->not_taken, 0);
}
END_TEST

START_TEST(what_a_closed_listener_counted_stays)
{
        const Iod__Metrics *metrics;
        Listener *listener;

        scene_join(0, 4, NULL);
        scene_dial_many(3);
        ck_assert_uint_eq(scene_serve(0), 3);
        listener = scene_listener();
        scene_open(1)->sees_all = true;
        listener_free(listener);
        metrics = get_metrics(1);
        ck_assert_uint_eq(metrics->accepted, 3);
        ck_assert_uint_eq(metrics->passed, 3);
        ck_assert_uint_eq(metrics->n_listener, 0);
}
END_TEST

/* One user brings no more names than its share. */
START_TEST(the_longest_names_fit_in_a_packet)
{
        const uint32_t limits[QUOTA_RESOURCE_COUNT] = {UINT32_MAX, UINT32_MAX, UINT32_MAX,
                                                       UINT32_MAX, UINT32_MAX};
        QuotaUser *users[METRICS_USERS_MAX];
        const Iod__Metrics *metrics;
        Session *viewer = scene_open(0);

        viewer->sees_all = true;
        for (uint32_t i = 0; i < METRICS_USERS_MAX; i++) {
                ck_assert_int_eq(quota_user_ref(&inner.daemon->quota, UINT32_MAX - 10 + i, limits,
                                                &users[i]),
                                 0);
                quota_charge_again(users[i], QUOTA_HOLDS, UINT32_MAX);
        }
        for (int i = 0; i < LISTENERS_NAMED_MAX + 1; i++) {
                char name[LISTENER_NAME_MAX + 1];
                Listener *listener;

                snprintf(name, sizeof(name), "web-%03d-%.*s", i, LISTENER_NAME_MAX - 8,
                         "0123456789012345678901234567890123456789012345678901234567890123");
                service_join(&sharing.clients[0], 1, name, "tcp:127.0.0.1:0", 0, 0, NULL);
                scene_expect(0, IOD__FRAME__BODY_JOINED);
                listener = TAILQ_LAST(&inner.daemon->listeners.list, ListenerList);
                memset(listener->address, 'a', sizeof(listener->address) - 1);
                /* As if each was another user's. */
                listener->uid += (uid_t)i + 1;
        }
        for (int i = 0; i < PROGRAMS_MAX + 1; i++) {
                char name[FRAME_PROGRAM_MAX + 1];

                snprintf(name, sizeof(name), "%0*d", FRAME_PROGRAM_MAX, i);
                programs_join(&inner.daemon->sessions.programs, name, (uid_t)i);
        }
        metrics = get_metrics(0);
        ck_assert_uint_eq(metrics->n_listener, LISTENERS_NAMED_MAX);
        ck_assert_uint_eq(metrics->n_program, PROGRAMS_MAX + 1);
        ck_assert_str_eq(metrics->program[PROGRAMS_MAX]->program, "");
        ck_assert_uint_eq(metrics->n_user, METRICS_USERS_MAX);
        for (uint32_t i = 0; i < METRICS_USERS_MAX; i++) {
                quota_discharge(users[i], QUOTA_HOLDS, UINT32_MAX);
                quota_user_unref(&inner.daemon->quota, users[i]);
        }
}
END_TEST

START_TEST(a_user_sees_no_programs_and_no_listeners_but_its_own)
{
        const Iod__Metrics *metrics;
        Session *viewer;

        scene_join(0, 4, NULL);
        viewer = scene_open(1);
        viewer->sees_all = false;
        metrics = get_metrics(1);
        ck_assert_uint_eq(metrics->n_program, 0);
        ck_assert_uint_eq(metrics->n_listener, 1);
        viewer->peer.uid++;
        ck_assert_uint_eq(get_metrics(1)->n_listener, 0);
        viewer->peer.uid--;
        viewer->sees_all = true;
        ck_assert_uint_gt(get_metrics(1)->n_program, 0);
}
END_TEST

START_TEST(sessions_are_counted_by_program)
{
        const Iod__ProgramMetrics *program;
        const Iod__Metrics *metrics;
        int writer, reader;

        scene_open(0)->sees_all = true;
        writer = inner_server_add_pipe(&sharing.clients[0], 0, 1, &reader);
        put_byte(writer);
        inner_server_expect(&sharing.clients[0], IOD__FRAME__BODY_READINESS);
        metrics = get_metrics(0);
        ck_assert_uint_eq(metrics->n_program, 1);
        program = metrics->program[0];
        ck_assert_uint_eq(program->sessions, 1);
        ck_assert_uint_eq(program->sessions_direct, 0);
        ck_assert_uint_eq(program->registrations, 1);
        ck_assert_uint_eq(program->sessions_total, 1);
        ck_assert_uint_eq(program->events, 1);
        ck_assert_uint_eq(program->frames, 1);
        ck_assert_uint_gt(metrics->memory, 0);
        ck_assert_uint_gt(metrics->descriptors_max, metrics->status->descriptors);
        close(writer);
        close(reader);
}
END_TEST

START_TEST(the_users_that_have_used_most_of_a_limit_are_told)
{
        const uint32_t limits[QUOTA_RESOURCE_COUNT] = {100, 100, 100, 100, 100};
        QuotaUser *users[2 * METRICS_USERS_MAX];
        const Iod__Metrics *metrics;
        const uid_t first = geteuid() + 100;

        scene_open(0)->sees_all = true;
        for (size_t i = 0; i < 2 * METRICS_USERS_MAX; i++) {
                ck_assert_int_eq(
                        quota_user_ref(&inner.daemon->quota, first + (uid_t)i, limits, &users[i]),
                        0);
                quota_charge_again(users[i], QUOTA_HOLDS, 10 + (uint32_t)i);
        }
        metrics = get_metrics(0);
        ck_assert_uint_eq(metrics->n_user, METRICS_USERS_MAX);
        for (size_t i = 0; i < METRICS_USERS_MAX; i++)
                ck_assert_uint_eq(metrics->user[i]->uid, first + 2 * METRICS_USERS_MAX - 1 - i);
        ck_assert_str_eq(metrics->user[0]->limit[QUOTA_HOLDS]->name, "holds");
        ck_assert_uint_eq(metrics->user[0]->limit[QUOTA_HOLDS]->used,
                          10 + 2 * METRICS_USERS_MAX - 1);
        ck_assert_uint_eq(metrics->user[0]->limit[QUOTA_HOLDS]->max, 100);
        for (size_t i = 0; i < 2 * METRICS_USERS_MAX; i++) {
                quota_discharge(users[i], QUOTA_HOLDS, 10 + (uint32_t)i);
                quota_user_unref(&inner.daemon->quota, users[i]);
        }
}
END_TEST

TEST_SUITE(test_metrics)
{
        TCase *metrics = tcase_create("metrics");

        tcase_set_timeout(metrics, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(metrics, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_add_test(metrics, a_connection_is_timed_once_its_worker_has_taken_it);
        tcase_add_test(metrics, what_is_passed_again_is_not_timed_again);
        tcase_add_test(metrics, what_a_closed_listener_counted_stays);
        tcase_add_test(metrics, the_longest_names_fit_in_a_packet);
        tcase_add_test(metrics, a_user_sees_no_programs_and_no_listeners_but_its_own);
        tcase_add_test(metrics, sessions_are_counted_by_program);
        tcase_add_test(metrics, the_users_that_have_used_most_of_a_limit_are_told);
        suite_add_tcase(suite, metrics);
}
