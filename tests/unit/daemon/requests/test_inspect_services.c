/*
 * daemon/inspect_services: the lists say what is so, pages join without a gap or a repetition, and
 * nobody sees what is another user's.
 */
#include "daemon/requests/inspect.h"

#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 48 };

static const Iod__Listeners *list_listeners(uint64_t after)
{
        SCENE_SEND(0, 7, LIST_LISTENERS, list_listeners,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__list_listeners__descriptor),
                    .after = after});
        return scene_expect(0, IOD__FRAME__BODY_LISTENERS)->listeners;
}

static const Iod__Groups *list_groups(const Iod__GroupEntry *after)
{
        SCENE_SEND(0, 7, LIST_GROUPS, list_groups,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__list_groups__descriptor),
                    .after_listener = after ? after->listener : 0,
                    .after_session = after ? after->session : 0,
                    .after_endpoint = after ? after->endpoint : 0});
        return scene_expect(0, IOD__FRAME__BODY_GROUPS)->groups;
}

static const Iod__Holds *list_holds(uint64_t after)
{
        SCENE_SEND(0, 7, LIST_HOLDS, list_holds,
                   {.base = PROTOBUF_C_MESSAGE_INIT(&iod__list_holds__descriptor), .after = after});
        return scene_expect(0, IOD__FRAME__BODY_HOLDS)->holds;
}

static void hold(int i, const char *name)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Hold request = IOD__HOLD__INIT;
        int pair[2];

        unix_pair(SOCK_STREAM, pair);
        request.name = (char *)name;
        request.time_to_live_ms = 60000;
        frame.body_case = IOD__FRAME__BODY_HOLD;
        frame.hold = &request;
        service_send(&sharing.clients[i], &frame, pair, 1);
        scene_await(i, IOD__FRAME__BODY_DONE);
        close(pair[0]);
        close(pair[1]);
}

/* Names at their longest, so that a full page has to fit in a packet. */
static void open_many_listeners(int n)
{
        for (int i = 0; i < n; i++) {
                char name[POLICY_NAME_MAX];

                snprintf(name, sizeof(name), "web-%03d-%.*s", i, 50,
                         "01234567890123456789012345678901234567890123456789");
                service_join(&sharing.clients[0], 1, name, "tcp:127.0.0.1:0", 0, 0, NULL);
                scene_expect(0, IOD__FRAME__BODY_JOINED);
        }
}

START_TEST(a_listener_is_shown_as_it_is)
{
        const Iod__ListenerEntry *entry;
        Session *session = scene_join(0, 4, NULL);

        scene_join(1, 0, NULL);
        scene_dial_many(3);
        ck_assert_uint_eq(scene_connections(0, NULL), 3);
        entry = list_listeners(0)->entry[0];
        ck_assert_str_eq(entry->name, "web");
        ck_assert_str_eq(entry->address, scene_listener()->address);
        ck_assert_uint_eq(entry->listener, scene_listener()->group.number);
        ck_assert_uint_eq(entry->uid, session->peer.uid);
        ck_assert(entry->shared && !entry->configured && !entry->paused);
        ck_assert_uint_eq(entry->workers, 2);
        ck_assert_uint_eq(entry->credits, 1);
        ck_assert_uint_eq(entry->accepted, 3);
        ck_assert_uint_eq(entry->passed, 3);
}
END_TEST

START_TEST(pages_of_listeners_join)
{
        const Iod__Listeners *page;
        uint64_t last = 0;
        size_t seen = 0;
        bool more;

        scene_open(0);
        open_many_listeners(PAGE + 5);
        do {
                page = list_listeners(last);
                more = page->more;
                ck_assert_uint_eq(page->n_entry, more ? PAGE : 5);
                for (size_t i = 0; i < page->n_entry; i++) {
                        ck_assert_uint_gt(page->entry[i]->listener, last);
                        last = page->entry[i]->listener;
                }
                seen += page->n_entry;
        } while (more);
        ck_assert_uint_eq(seen, PAGE + 5);
}
END_TEST

START_TEST(pages_of_groups_join)
{
        const Iod__Groups *page;
        Iod__GroupEntry last = IOD__GROUP_ENTRY__INIT;
        size_t seen = 0;
        bool more;

        /* Two listeners, two sessions, in turn: the order is of listener, session, endpoint. */
        scene_join(0, 0, NULL);
        scene_join(1, 0, NULL);
        for (int i = 0; i < 40; i++) {
                service_join(&sharing.clients[i % 2], 1, i % 4 < 2 ? "web" : "web2",
                             "tcp:127.0.0.1:0", 0, 0, NULL);
                scene_expect(i % 2, IOD__FRAME__BODY_JOINED);
        }
        for (int i = 0; i < 20; i++) {
                service_join(&sharing.clients[0], 1, "web", "", 0, 0, NULL);
                scene_expect(0, IOD__FRAME__BODY_JOINED);
        }
        do {
                page = list_groups(&last);
                more = page->more;
                for (size_t i = 0; i < page->n_entry; i++) {
                        const Iod__GroupEntry *entry = page->entry[i];

                        ck_assert(entry->listener > last.listener ||
                                  (entry->listener == last.listener &&
                                   (entry->session > last.session ||
                                    (entry->session == last.session &&
                                     entry->endpoint > last.endpoint))));
                        last.listener = entry->listener;
                        last.session = entry->session;
                        last.endpoint = entry->endpoint;
                }
                ck_assert(!more || page->n_entry == PAGE);
                seen += page->n_entry;
        } while (more);
        ck_assert_uint_eq(seen, 62);
}
END_TEST

START_TEST(a_worker_is_shown_with_what_it_has)
{
        Session *session = scene_join(0, 4, NULL);
        const Iod__GroupEntry *entry;

        scene_dial_many(3);
        ck_assert_uint_eq(scene_connections(0, NULL), 3);
        service_taken(&sharing.clients[0], (uint64_t[]){io_id_make(0, 1)}, 1);
        entry = list_groups(NULL)->entry[0];
        ck_assert_str_eq(entry->name, "web");
        ck_assert_uint_eq(entry->session, session->id);
        ck_assert_uint_eq(entry->endpoint, 1);
        ck_assert_int_eq(entry->pid, getpid());
        ck_assert_uint_eq(entry->weight, 1);
        ck_assert_uint_eq(entry->credits, 1);
        ck_assert_uint_eq(entry->in_hand, 3);
        ck_assert_uint_eq(entry->not_taken, 2);
        ck_assert_uint_eq(entry->passed, 3);
        ck_assert(!entry->draining && !entry->keep_on_death);
        ck_assert_uint_eq(entry->spent_ms, 0);
        ck_assert_uint_ge(entry->oldest_ms, 1);
        ck_assert_uint_ge(entry->not_taken_ms, 1);
}
END_TEST

/* Makes what it has in hand look so many milliseconds older. */
static void grow_older(Worker *worker, uint64_t ms)
{
        Connection *connection;

        TAILQ_FOREACH(connection, &worker->sent, link)
        connection->given_ms -= ms;
        TAILQ_FOREACH(connection, &worker->taken, link)
        connection->given_ms -= ms;
        worker->spent_ms -= ms;
}

START_TEST(a_worker_that_leaks_is_shown_with_how_long)
{
        const Iod__GroupEntry *entry;
        Session *session = scene_join(0, 2, NULL);
        Worker *worker = worker_find(session, 1);

        entry = list_groups(NULL)->entry[0];
        ck_assert_uint_eq(entry->oldest_ms, 0);
        ck_assert_uint_eq(entry->not_taken_ms, 0);
        scene_dial_many(2);
        ck_assert_uint_eq(scene_connections(0, NULL), 2);
        grow_older(worker, 5000);
        service_taken(&sharing.clients[0], (uint64_t[]){io_id_make(0, 1), io_id_make(1, 1)}, 2);
        entry = list_groups(NULL)->entry[0];
        ck_assert_uint_eq(entry->in_hand, 2);
        ck_assert_uint_eq(entry->credits, 0);
        ck_assert_uint_ge(entry->oldest_ms, 5000);
        ck_assert_uint_ge(entry->spent_ms, 5000);
        ck_assert_uint_eq(entry->not_taken_ms, 0);
        /* It has just said so. */
        ck_assert_uint_lt(entry->silent_ms, 5000);
}
END_TEST

START_TEST(a_worker_that_takes_nothing_is_shown_with_since_when)
{
        const Iod__GroupEntry *entry;
        Session *session = scene_join(1, 2, NULL);

        scene_open(0);
        scene_dial_many(1);
        inner_server_settle();
        grow_older(worker_find(session, 1), 3000);
        session->heard_ms -= 4000;
        entry = list_groups(NULL)->entry[0];
        ck_assert_uint_eq(entry->not_taken, 1);
        ck_assert_uint_ge(entry->not_taken_ms, 3000);
        ck_assert_uint_ge(entry->oldest_ms, 3000);
        ck_assert_uint_ge(entry->silent_ms, 4000);
        ck_assert_uint_ge(entry->unread_ms, 1);
        ck_assert_uint_eq(entry->spent_ms, 0);
}
END_TEST

START_TEST(pages_of_holds_join)
{
        const Iod__Holds *page;
        uint64_t last = 0;
        size_t seen = 0;
        bool more;

        scene_open(0);
        for (int i = 0; i < PAGE * 2; i++) {
                char name[32];

                snprintf(name, sizeof(name), "web-%d", i);
                hold(0, name);
        }
        do {
                page = list_holds(last);
                more = page->more;
                ck_assert_uint_eq(page->n_entry, PAGE);
                for (size_t i = 0; i < page->n_entry; i++) {
                        ck_assert_uint_gt(page->entry[i]->hold, last);
                        last = page->entry[i]->hold;
                        ck_assert_uint_gt(page->entry[i]->time_left_ms, 0);
                        ck_assert_str_eq(page->entry[i]->kind, "unix-stream");
                }
                seen += page->n_entry;
        } while (more);
        ck_assert_uint_eq(seen, PAGE * 2);
}
END_TEST

/* More than one page looks at, of others; and then nothing. */
enum { OTHERS = 700 };

START_TEST(a_page_that_passed_over_others_says_where_to_go_on)
{
        const Iod__Listeners *listeners;
        const Iod__Groups *groups;
        const Iod__Holds *holds;
        Iod__GroupEntry after = IOD__GROUP_ENTRY__INIT;
        Session *viewer;

        policy_set_default_limit(sharing.config->policy, POLICY_LISTENERS, OTHERS + 1);
        viewer = scene_open(0);
        scene_join(1, 0, NULL);
        scene_join(2, 0, NULL);
        scene_join(3, 0, NULL);
        for (int i = 0; i < OTHERS; i++) {
                char name[32];
                int client = 1 + i % 3;

                snprintf(name, sizeof(name), "web-%d", i);
                service_join(&sharing.clients[client], 1, i < 100 ? "web" : name, "tcp:127.0.0.1:0",
                             0, 0, NULL);
                scene_expect(client, IOD__FRAME__BODY_JOINED);
                hold(1, name);
        }
        viewer->peer.uid++;
        viewer->sees_all = false;

        listeners = list_listeners(0);
        ck_assert(listeners->n_entry == 0 && listeners->more && listeners->next > 0);
        listeners = list_listeners(listeners->next);
        ck_assert(listeners->n_entry == 0 && !listeners->more && listeners->next == 0);

        holds = list_holds(0);
        ck_assert(holds->n_entry == 0 && holds->more && holds->next > 0);
        holds = list_holds(holds->next);
        ck_assert(holds->n_entry == 0 && !holds->more && holds->next == 0);

        for (int i = 0; i < 2; i++) {
                groups = list_groups(i == 0 ? NULL : &after);
                ck_assert_uint_eq(groups->n_entry, 0);
                ck_assert(groups->more);
                ck_assert_uint_gt(groups->next_listener, after.listener);
                after.listener = groups->next_listener;
                after.session = groups->next_session;
                after.endpoint = groups->next_endpoint;
        }
        groups = list_groups(&after);
        ck_assert(groups->n_entry == 0 && !groups->more && groups->next_listener == 0);
        viewer->peer.uid--;
}
END_TEST

START_TEST(a_list_goes_on_where_what_it_had_come_to_is_gone)
{
        Iod__GroupEntry after = IOD__GROUP_ENTRY__INIT;
        const Iod__Groups *groups;

        scene_join(0, 0, NULL);
        for (int i = 0; i < 3; i++) {
                service_join(&sharing.clients[0], 1, i < 2 ? "web" : "web2", "tcp:127.0.0.1:0", 0,
                             0, NULL);
                scene_expect(0, IOD__FRAME__BODY_JOINED);
        }
        groups = list_groups(NULL);
        ck_assert_uint_eq(groups->n_entry, 4);
        after.listener = groups->entry[1]->listener;
        after.session = groups->entry[1]->session;
        after.endpoint = groups->entry[1]->endpoint;
        service_leave(&sharing.clients[0], 1, 2);
        scene_expect(0, IOD__FRAME__BODY_DONE);
        ck_assert_uint_eq(list_groups(&after)->n_entry, 2);
        after.session = 0;
        ck_assert_uint_eq(list_groups(&after)->n_entry, 3);
        after.session = UINT64_MAX;
        ck_assert_uint_eq(list_groups(&after)->n_entry, 1);
        after.listener = UINT64_MAX;
        ck_assert_uint_eq(list_groups(&after)->n_entry, 0);
}
END_TEST

START_TEST(nobody_sees_what_is_another_users)
{
        Session *viewer = scene_open(0);

        scene_join(1, 1, NULL);
        hold(1, "web.1");
        ck_assert_uint_eq(list_holds(0)->n_entry, 1);
        viewer->peer.uid++;
        viewer->sees_all = false;
        ck_assert_uint_eq(list_listeners(0)->n_entry, 0);
        ck_assert_uint_eq(list_groups(NULL)->n_entry, 0);
        ck_assert_uint_eq(list_holds(0)->n_entry, 0);
        viewer->sees_all = true;
        ck_assert_uint_eq(list_listeners(0)->n_entry, 1);
        ck_assert_uint_eq(list_groups(NULL)->n_entry, 1);
        ck_assert_uint_eq(list_holds(0)->n_entry, 1);
        viewer->peer.uid--;
}
END_TEST

TEST_SUITE(test_inspect_services)
{
        TCase *lists = tcase_create("lists");

        tcase_add_checked_fixture(lists, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_set_timeout(lists, TEST_TIMEOUT_SECONDS);
        tcase_add_test(lists, a_listener_is_shown_as_it_is);
        tcase_add_test(lists, pages_of_listeners_join);
        tcase_add_test(lists, pages_of_groups_join);
        tcase_add_test(lists, a_worker_is_shown_with_what_it_has);
        tcase_add_test(lists, a_worker_that_leaks_is_shown_with_how_long);
        tcase_add_test(lists, a_worker_that_takes_nothing_is_shown_with_since_when);
        tcase_add_test(lists, pages_of_holds_join);
        tcase_add_test(lists, a_page_that_passed_over_others_says_where_to_go_on);
        tcase_add_test(lists, a_list_goes_on_where_what_it_had_come_to_is_gone);
        tcase_add_test(lists, nobody_sees_what_is_another_users);
        suite_add_tcase(suite, lists);
}
