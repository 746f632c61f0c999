/*
 * daemon/inspect: the numbers are those of the server, pages join without a gap or a repetition,
 * and nobody sees what is another user's.
 */
#include "core/error.h"
#include "tests/support/fixture.h"
#include "tests/support/inner_server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static RawClient viewer, others[3];

static void request_sessions(uint64_t after, uint64_t session)
{
        RawBytes body = {0}, frame = {0};

        raw_put_number(&body, 1, after);
        raw_put_number(&body, 2, session);
        raw_put_frame(&frame, 0, 7, RAW_LIST_SESSIONS, &body);
        raw_client_send(&viewer, &frame, NULL, 0);
}

static const Iod__Sessions *list_sessions(uint64_t after, uint64_t session)
{
        const Iod__Frame *frame;

        request_sessions(after, session);
        frame = inner_server_expect(&viewer, IOD__FRAME__BODY_SESSIONS);
        ck_assert_uint_eq(frame->sequence, 7);
        return frame->sessions;
}

static void request_registrations(uint64_t session, uint64_t from_session, uint32_t from_slot)
{
        RawBytes body = {0}, frame = {0};

        raw_put_number(&body, 1, session);
        raw_put_number(&body, 2, from_session);
        raw_put_number(&body, 3, from_slot);
        raw_put_frame(&frame, 0, 7, RAW_LIST_REGISTRATIONS, &body);
        raw_client_send(&viewer, &frame, NULL, 0);
}

static const Iod__Registrations *list_registrations(uint64_t session, uint64_t from_session,
                                                    uint32_t from_slot)
{
        const Iod__Frame *frame;

        request_registrations(session, from_session, from_slot);
        frame = inner_server_expect(&viewer, IOD__FRAME__BODY_REGISTRATIONS);
        ck_assert_uint_eq(frame->sequence, 7);
        return frame->registrations;
}

/* Makes the viewer one who sees only their own, and these sessions another user's. */
static void be_ordinary(Session *viewing, Session *foreign)
{
        viewing->sees_all = false;
        if (foreign)
                foreign->peer.uid = viewing->peer.uid + 1;
}

/* ---- status ---- */

START_TEST(the_status_is_the_servers)
{
        const Iod__Status *status;
        int writer;

        inner_server_open_session(&viewer);
        inner_server_open_session(&others[0]);
        writer = inner_server_add_pipe(&others[0], 0, 1, NULL);
        inner_server_add_pipe(&others[0], 0, 2, NULL);
        inner_server_add_pipe(&others[0], 0, 1, NULL);
        inner_server_add_pipe(&viewer, 0, 1, NULL);
        put_byte(writer);
        raw_client_request(&viewer, 9, RAW_GET_STATUS);
        status = inner_server_expect(&viewer, IOD__FRAME__BODY_STATUS)->status;
        ck_assert_str_eq(status->release, PACKAGE_VERSION);
        ck_assert_uint_eq(status->epoch, inner.daemon->epoch);
        ck_assert_int_eq(status->pid, getpid());
        ck_assert_uint_eq(status->started, inner.daemon->started);
        ck_assert_uint_eq(status->sessions, 2);
        ck_assert_uint_eq(status->sessions_max, inner.daemon->sessions.max);
        ck_assert_uint_eq(status->sessions_per_user_max, OPTIONS_SESSIONS_PER_USER_MAX);
        ck_assert_uint_eq(status->registrations, 2);
        ck_assert_uint_eq(status->registrations_per_session_max,
                          OPTIONS_REGISTRATIONS_PER_SESSION_MAX);
        ck_assert_uint_eq(status->registrations_per_user_max, OPTIONS_REGISTRATIONS_PER_USER_MAX);
        ck_assert_uint_eq(status->sessions_waiting, 0);
        /* The pipe that was given up told nothing. */
        ck_assert_uint_eq(status->events, 0);
        ck_assert_uint_eq(status->frames, 0);
        ck_assert_uint_eq(status->registrations_total, 3);
        ck_assert_uint_eq(status->sessions_total, 2);
        ck_assert_uint_eq(status->refusals, 1);
        ck_assert_uint_eq(status->failures, 0);
        ck_assert_uint_eq(status->cancels, 0);
}
END_TEST

START_TEST(the_longest_turn_is_told_in_microseconds)
{
        const Iod__Status *status;

        inner_server_open_session(&viewer);
        inner.daemon->loop.turn = (Turn){.count = 7, .longest_ns = 1234567};
        raw_client_request(&viewer, 9, RAW_GET_STATUS);
        status = inner_server_expect(&viewer, IOD__FRAME__BODY_STATUS)->status;
        ck_assert_uint_eq(status->turns, 7);
        ck_assert_uint_eq(status->longest_turn_us, 1234);
}
END_TEST

START_TEST(descriptors_are_those_open_now)
{
        uint32_t before;
        int pipe[2];

        inner_server_open_session(&viewer);
        raw_client_request(&viewer, 9, RAW_GET_STATUS);
        before = inner_server_expect(&viewer, IOD__FRAME__BODY_STATUS)->status->descriptors;
        ck_assert_uint_eq(before, count_descriptors());
        pipe_pair(pipe);
        raw_client_request(&viewer, 9, RAW_GET_STATUS);
        ck_assert_uint_eq(
                inner_server_expect(&viewer, IOD__FRAME__BODY_STATUS)->status->descriptors,
                before + 2);
}
END_TEST

START_TEST(a_session_that_waits_is_counted_and_shown)
{
        Session *viewing = inner_server_open_session(&viewer);
        Session *waiting = inner_server_open_session(&others[0]);
        const Iod__Sessions *page;

        while (!notifier_is_waiting(&waiting->notifier)) {
                raw_client_request(&others[0], 1, RAW_GET_STATUS);
                inner_server_settle();
        }
        raw_client_request(&viewer, 9, RAW_GET_STATUS);
        ck_assert_uint_eq(
                inner_server_expect(&viewer, IOD__FRAME__BODY_STATUS)->status->sessions_waiting, 1);
        page = list_sessions(0, 0);
        ck_assert_uint_eq(page->n_entry, 2);
        ck_assert_uint_eq(page->entry[0]->session, viewing->id);
        ck_assert(!page->entry[0]->waiting);
        ck_assert(page->entry[1]->waiting);
}
END_TEST

/* ---- sessions ---- */

START_TEST(a_session_is_shown_as_it_is)
{
        Session *session = inner_server_open_session(&viewer);
        int writer = inner_server_add_pipe(&viewer, 3, 1, NULL);
        const Iod__SessionEntry *entry;
        const Iod__Sessions *page;

        put_byte(writer);
        inner_server_expect(&viewer, IOD__FRAME__BODY_READINESS);
        inner_server_add_pipe(&viewer, 3, 1, NULL);
        inner_server_expect(&viewer, IOD__FRAME__BODY_REFUSED);
        page = list_sessions(0, 0);
        ck_assert_uint_eq(page->n_entry, 1);
        ck_assert(!page->more);
        entry = page->entry[0];
        ck_assert_uint_eq(entry->session, session->id);
        ck_assert_int_eq(entry->pid, getpid());
        ck_assert_uint_eq(entry->uid, getuid());
        ck_assert_uint_eq(entry->gid, getgid());
        ck_assert_str_eq(entry->program, "test");
        ck_assert_uint_eq(entry->since, session->since);
        ck_assert_uint_eq(entry->registrations, 1);
        ck_assert_uint_eq(entry->events, 1);
        ck_assert_uint_eq(entry->frames, 1);
        ck_assert_uint_eq(entry->refusals, 1);
}
END_TEST

START_TEST(what_a_client_leaves_unread_is_told_until_it_has_read)
{
        Session *session, *viewing = inner_server_open_session(&viewer);
        const Iod__SessionEntry *entry;

        session = inner_server_open_session(&others[0]);
        entry = list_sessions(0, session->id)->entry[0];
        ck_assert_uint_eq(entry->unread_ms, 0);
        raw_client_request(&others[0], 1, RAW_GET_STATUS);
        inner_server_settle();
        session->notifier.unread.newest_ms -= 7000;
        session->heard_ms -= 8000;
        entry = list_sessions(0, session->id)->entry[0];
        ck_assert_uint_ge(entry->unread_ms, 7000);
        ck_assert_uint_ge(entry->silent_ms, 8000);
        inner_server_expect(&others[0], IOD__FRAME__BODY_STATUS);
        entry = list_sessions(0, session->id)->entry[0];
        ck_assert_uint_eq(entry->unread_ms, 0);
        ck_assert_uint_ge(entry->silent_ms, 8000);
        ck_assert_uint_lt(list_sessions(0, viewing->id)->entry[0]->silent_ms, 8000);
}
END_TEST

START_TEST(the_last_refusal_is_told_of_one_session_alone)
{
        const uint64_t unregistered = raw_source(9, 1, 1);
        Session *session = inner_server_open_session(&viewer);
        const Iod__SessionEntry *entry;
        int pipe[2];

        ck_assert_ptr_null(list_sessions(0, session->id)->entry[0]->last_refusal);
        pipe_pair(pipe);
        raw_client_remove(&viewer, 3, &unregistered, pipe, 1);
        inner_server_expect(&viewer, IOD__FRAME__BODY_REFUSED);
        entry = list_sessions(0, session->id)->entry[0];
        ck_assert_ptr_nonnull(entry->last_refusal);
        ck_assert_int_eq(entry->last_refusal->error, ESTALE);
        ck_assert_str_eq(entry->last_refusal->text, "slot 9 generation 1 is not registered");
        ck_assert(!entry->last_refusal->failed);
        ck_assert_ptr_null(list_sessions(0, 0)->entry[0]->last_refusal);
        close(pipe[0]);
        close(pipe[1]);
}
END_TEST

START_TEST(who_has_not_said_hello_has_no_session_yet)
{
        inner_server_open_session(&viewer);
        inner_server_connect(&others[0]);
        ck_assert_uint_eq(list_sessions(0, 0)->n_entry, 1);
        raw_client_hello(&others[0], 1, "test");
        ck_assert_uint_eq(list_sessions(0, 0)->n_entry, 2);
}
END_TEST

START_TEST(pages_of_sessions_join)
{
        enum { COUNT = 2 * FRAME_PAGE_MAX + 5 };
        static RawClient many;
        uint64_t after = 0, expected = 1;
        const Iod__Sessions *page;

        if (inner.daemon->sessions.max <= COUNT)
                SKIP_TEST("the limit of open files allows only %u sessions",
                          inner.daemon->sessions.max);
        inner_server_open_session(&viewer);
        /* The descriptors stay open although the client structure is used again. */
        for (int i = 1; i < COUNT; i++)
                inner_server_open_session(&many);
        for (int i = 0; i < 3; i++) {
                page = list_sessions(after, 0);
                ck_assert_uint_eq(page->n_entry, i < 2 ? FRAME_PAGE_MAX : 5);
                ck_assert_int_eq(page->more, i < 2);
                for (size_t j = 0; j < page->n_entry; j++)
                        ck_assert_uint_eq(page->entry[j]->session, expected++);
                after = page->entry[page->n_entry - 1]->session;
        }
        ck_assert_uint_eq(list_sessions(after, 0)->n_entry, 0);
}
END_TEST

START_TEST(a_user_sees_their_own_sessions_and_root_all)
{
        Session *viewing = inner_server_open_session(&viewer);
        Session *foreign = inner_server_open_session(&others[0]);
        Session *own = inner_server_open_session(&others[1]);
        const Iod__Sessions *page;
        char sentence[ERROR_TEXT_MAX];

        be_ordinary(viewing, foreign);
        page = list_sessions(0, 0);
        ck_assert_uint_eq(page->n_entry, 2);
        ck_assert_uint_eq(page->entry[0]->session, viewing->id);
        ck_assert_uint_eq(page->entry[1]->session, own->id);
        request_sessions(0, foreign->id);
        snprintf(sentence, sizeof(sentence), "session %d is another user's", (int)foreign->id);
        inner_server_expect_refused(&viewer, 7, EACCES, sentence);
        request_registrations(foreign->id, 0, 0);
        inner_server_expect_refused(&viewer, 7, EACCES, sentence);

        viewing->sees_all = true;
        ck_assert_uint_eq(list_sessions(0, 0)->n_entry, 3);
        ck_assert_uint_eq(list_sessions(0, foreign->id)->entry[0]->session, foreign->id);
}
END_TEST

/* More than one page looks at, of another user, between two of one's own. */
START_TEST(a_page_that_passed_over_others_says_where_to_go_on)
{
        enum { OTHERS = 1100 };
        static RawClient many;
        Session *viewing = inner_server_open_session(&viewer), *foreign = NULL;
        const Iod__Sessions *page;
        const Iod__Registrations *registrations;
        Session *own;

        if (inner.daemon->sessions.max < OTHERS + 2)
                SKIP_TEST("the limit of open files allows only %u sessions",
                          inner.daemon->sessions.max);
        policy_set_default_limit(inner.daemon->config->policy, POLICY_SESSIONS, OTHERS + 2);
        inner.daemon->config->sessions_per_second = 2 * OTHERS;
        /* The descriptors stay open although the client structure is used again. */
        for (int i = 0; i < OTHERS; i++) {
                foreign = inner_server_open_session(&many);
                be_ordinary(viewing, foreign);
        }
        own = inner_server_open_session(&others[0]);
        inner_server_add_pipe(&others[0], 0, 1, NULL);

        page = list_sessions(0, 0);
        ck_assert(page->n_entry == 1 && page->more && page->next > viewing->id);
        page = list_sessions(viewing->id, 0);
        ck_assert(page->n_entry == 0 && page->more && page->next < foreign->id);
        page = list_sessions(page->next, 0);
        ck_assert(page->n_entry == 1 && !page->more && page->next == 0);
        ck_assert_uint_eq(page->entry[0]->session, own->id);

        registrations = list_registrations(0, 0, 0);
        ck_assert_uint_eq(registrations->n_entry, 0);
        ck_assert_uint_gt(registrations->next_session, 0);
        registrations = list_registrations(0, registrations->next_session, 0);
        ck_assert_uint_eq(registrations->n_entry, 1);
        ck_assert_uint_eq(registrations->next_session, 0);
}
END_TEST

START_TEST(one_session_can_be_asked_for)
{
        Session *session;
        const Iod__Sessions *page;

        inner_server_open_session(&viewer);
        session = inner_server_open_session(&others[0]);
        page = list_sessions(0, session->id);
        ck_assert_uint_eq(page->n_entry, 1);
        ck_assert_uint_eq(page->entry[0]->session, session->id);
        ck_assert(!page->more);
        request_sessions(0, 99);
        inner_server_expect_refused(&viewer, 7, ENOENT, "there is no session 99");
        request_registrations(99, 0, 0);
        inner_server_expect_refused(&viewer, 7, ENOENT, "there is no session 99");
}
END_TEST

/* ---- registrations ---- */

START_TEST(a_registration_is_shown_as_it_is)
{
        Session *session = inner_server_open_session(&viewer);
        int pair[2], writer;
        uint64_t source = raw_source(7, 3, READINESS_READABLE | READINESS_WRITABLE);
        const Iod__RegistrationEntry *entry;
        const Iod__Registrations *page;

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pair);
        raw_client_add(&viewer, 0, &source, &pair[0], 1);
        inner_server_expect(&viewer, IOD__FRAME__BODY_READINESS);
        put_byte(pair[1]);
        inner_server_expect(&viewer, IOD__FRAME__BODY_READINESS);
        writer = inner_server_add_pipe(&viewer, 9, 1, NULL);
        page = list_registrations(0, 0, 0);
        ck_assert_uint_eq(page->n_entry, 2);
        ck_assert_uint_eq(page->next_session, 0);
        entry = page->entry[0];
        ck_assert_uint_eq(entry->session, session->id);
        ck_assert_int_eq(entry->pid, getpid());
        ck_assert_uint_eq(entry->uid, getuid());
        ck_assert_str_eq(entry->program, "test");
        ck_assert_uint_eq(entry->slot, 7);
        ck_assert_uint_eq(entry->generation, 3);
        ck_assert_str_eq(entry->kind, "unix-stream");
        ck_assert_uint_ne(entry->inode, 0);
        ck_assert_uint_eq(entry->interest, READINESS_READABLE | READINESS_WRITABLE);
        ck_assert_uint_eq(entry->readiness, READINESS_READABLE | READINESS_WRITABLE);
        ck_assert_uint_eq(entry->tick, 2);
        ck_assert_str_eq(page->entry[1]->kind, "pipe");
        ck_assert_uint_eq(page->entry[1]->tick, 0);
        close(writer);
}
END_TEST

/* Registers count files in slots 0, step, 2 * step, … */
static void register_many(RawClient *client, uint32_t count, uint32_t step)
{
        for (uint32_t i = 0; i < count; i++)
                close(inner_server_add_pipe(client, i * step, 1, NULL));
        /* Where so many are still to be closed, it reads no more. */
        inner_server_await_closer();
        while (inner_server_next(client))
                ;
}

START_TEST(pages_of_registrations_join_over_sessions)
{
        static const uint32_t counts[] = {1, FRAME_PAGE_MAX, 0, FRAME_PAGE_MAX + 50};
        RawClient *clients[] = {&viewer, &others[0], &others[1], &others[2]};
        uint64_t session = 0, last_session = 0;
        uint32_t slot = 0, last_slot = 0, total = 0;

        for (int i = 0; i < 4; i++) {
                inner_server_open_session(clients[i]);
                register_many(clients[i], counts[i], i == 3 ? 300 : 1);
        }
        do {
                const Iod__Registrations *page = list_registrations(0, session, slot);

                for (size_t i = 0; i < page->n_entry; i++) {
                        const Iod__RegistrationEntry *entry = page->entry[i];

                        ck_assert(entry->session > last_session ||
                                  (entry->session == last_session && entry->slot > last_slot));
                        last_session = entry->session;
                        last_slot = entry->slot;
                        total++;
                }
                session = page->next_session;
                slot = page->next_slot;
        } while (session != 0);
        ck_assert_uint_eq(total, 1 + FRAME_PAGE_MAX + FRAME_PAGE_MAX + 50);
        ck_assert_uint_eq(last_slot, (FRAME_PAGE_MAX + 49) * 300);
}
END_TEST

START_TEST(one_sessions_registrations_can_be_asked_for)
{
        Session *session;
        const Iod__Registrations *page;

        inner_server_open_session(&viewer);
        session = inner_server_open_session(&others[0]);
        inner_server_open_session(&others[1]);
        for (int i = 0; i < 2; i++)
                register_many(&others[i], FRAME_PAGE_MAX + 1, 1);
        page = list_registrations(session->id, 0, 0);
        ck_assert_uint_eq(page->n_entry, FRAME_PAGE_MAX);
        ck_assert_uint_eq(page->next_session, session->id);
        page = list_registrations(session->id, page->next_session, page->next_slot);
        ck_assert_uint_eq(page->n_entry, 1);
        ck_assert_uint_eq(page->entry[0]->slot, FRAME_PAGE_MAX);
        ck_assert_uint_eq(page->next_session, 0);
}
END_TEST

START_TEST(pages_go_on_where_a_session_has_ended)
{
        const Iod__Registrations *page;
        uint64_t next;

        inner_server_open_session(&viewer);
        inner_server_open_session(&others[0]);
        register_many(&others[0], FRAME_PAGE_MAX + 1, 1);
        next = inner_server_open_session(&others[1])->id;
        register_many(&others[1], 3, 1);
        page = list_registrations(0, 0, 0);
        ck_assert_uint_eq(page->n_entry, FRAME_PAGE_MAX);
        inner_server_close_client(&others[0]);
        page = list_registrations(0, next - 1, FRAME_PAGE_MAX);
        ck_assert_uint_eq(page->n_entry, 3);
        ck_assert_uint_eq(page->entry[0]->session, next);
        ck_assert_uint_eq(page->entry[0]->slot, 0);
}
END_TEST

START_TEST(another_users_registrations_are_not_shown)
{
        Session *viewing = inner_server_open_session(&viewer);
        Session *foreign = inner_server_open_session(&others[0]);

        register_many(&others[0], 3, 1);
        be_ordinary(viewing, foreign);
        ck_assert_uint_eq(list_registrations(0, 0, 0)->n_entry, 0);
        ck_assert_uint_eq(list_registrations(0, foreign->id, 0)->n_entry, 0);
}
END_TEST

TEST_SUITE(test_inspect)
{
        TCase *lists = tcase_create("lists");

        tcase_add_checked_fixture(lists, inner_server_set_up, inner_server_tear_down);
        tcase_add_test(lists, the_status_is_the_servers);
        tcase_add_test(lists, the_longest_turn_is_told_in_microseconds);
        tcase_add_test(lists, descriptors_are_those_open_now);
        tcase_add_test(lists, a_session_that_waits_is_counted_and_shown);
        tcase_add_test(lists, a_session_is_shown_as_it_is);
        tcase_add_test(lists, what_a_client_leaves_unread_is_told_until_it_has_read);
        tcase_add_test(lists, the_last_refusal_is_told_of_one_session_alone);
        tcase_add_test(lists, who_has_not_said_hello_has_no_session_yet);
        tcase_add_test(lists, pages_of_sessions_join);
        tcase_add_test(lists, a_user_sees_their_own_sessions_and_root_all);
        tcase_add_test(lists, a_page_that_passed_over_others_says_where_to_go_on);
        tcase_add_test(lists, one_session_can_be_asked_for);
        tcase_add_test(lists, a_registration_is_shown_as_it_is);
        tcase_add_test(lists, pages_of_registrations_join_over_sessions);
        tcase_add_test(lists, one_sessions_registrations_can_be_asked_for);
        tcase_add_test(lists, pages_go_on_where_a_session_has_ended);
        tcase_add_test(lists, another_users_registrations_are_not_shown);
        tcase_set_timeout(lists, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, lists);
}
