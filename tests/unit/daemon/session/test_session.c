/*
 * daemon/session: whoever connects is known by the kernel's word, who does not read is not served
 * and costs nothing, and whatever goes wrong ends this session and no other.
 */
#include "core/error.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/inner_server.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <fcntl.h>
#include <grp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static RawClient client, neighbour;

/* ---- who it is ---- */

START_TEST(the_kernel_says_who_connected)
{
        Session *session;

        prctl(PR_SET_NAME, "un\x01pr\xc3\xa4zis");
        session = inner_server_connect(&client);
        ck_assert_int_eq(session->peer.pid, getpid());
        ck_assert_uint_eq(session->peer.uid, getuid());
        ck_assert_uint_eq(session->peer.gid, getgid());
        ck_assert_str_eq(session->peer.program, "un?pr??zis");
        ck_assert(!session->open);
        ck_assert_uint_eq(session->sees_all, getuid() == 0);
        ck_assert_uint_ge(session->since, inner.daemon->started);
}
END_TEST

START_TEST(ids_are_never_used_twice)
{
        uint64_t first = inner_server_connect(&client)->id;

        inner_server_close_client(&client);
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
        ck_assert_uint_gt(inner_server_connect(&client)->id, first);
}
END_TEST

enum { NOBODY = 65534, ADMINISTRATORS = 4711 };

/* Connects as an unprivileged user with these groups. */
static Session *connect_as(gid_t gid, gid_t supplementary)
{
        Session *session;

        ck_assert_int_eq(setgroups(1, &supplementary), 0);
        ck_assert_int_eq(setresgid((gid_t)-1, gid, (gid_t)-1), 0);
        ck_assert_int_eq(setresuid((uid_t)-1, NOBODY, (uid_t)-1), 0);
        session = inner_server_connect(&client);
        ck_assert_int_eq(setresuid((uid_t)-1, 0, (uid_t)-1), 0);
        ck_assert_int_eq(setresgid((gid_t)-1, 0, (gid_t)-1), 0);
        return session;
}

START_TEST(root_and_the_admin_group_see_all_and_nobody_else)
{
        if (geteuid() != 0)
                SKIP_TEST("only root can be somebody else");
        inner.daemon->admin_group.is_known = false;
        ck_assert(inner_server_connect(&client)->sees_all);
        ck_assert(!connect_as(ADMINISTRATORS, ADMINISTRATORS)->sees_all);
        inner.daemon->admin_group.is_known = true;
        inner.daemon->admin_group.gid = ADMINISTRATORS;
        ck_assert(!connect_as(NOBODY, NOBODY)->sees_all);
        ck_assert(connect_as(ADMINISTRATORS, NOBODY)->sees_all);
        ck_assert(connect_as(NOBODY, ADMINISTRATORS)->sees_all);
        ck_assert_uint_eq(connect_as(NOBODY, NOBODY)->peer.uid, NOBODY);
}
END_TEST

/* ---- its beginning and its end ---- */

START_TEST(who_does_not_say_hello_in_time_is_told_and_ended)
{
        Session *session = inner_server_connect(&client);
        struct timeval left, now;

        ck_assert(event_pending(&session->readable->event, EV_TIMEOUT, &left));
        evutil_gettimeofday(&now, NULL);
        ck_assert_int_le(left.tv_sec - now.tv_sec, SESSION_GREETING_SECONDS);
        event_active(&session->readable->event, EV_TIMEOUT, 1);
        inner_server_expect_goodbye(&client, 0, ETIMEDOUT, "no hello came within 5 seconds");
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
}
END_TEST

START_TEST(an_open_session_has_all_the_time)
{
        Session *session = inner_server_open_session(&client);

        ck_assert(!event_pending(&session->readable->event, EV_TIMEOUT, NULL));
        ck_assert(event_pending(&session->readable->event, EV_READ, NULL));
        ck_assert(!event_pending(&session->writable->event, EV_WRITE, NULL));
}
END_TEST

START_TEST(the_clients_close_gives_back_all_it_had)
{
        size_t before = count_descriptors();

        inner_server_open_session(&client);
        for (uint32_t i = 0; i < 5; i++) {
                int reader;
                int writer = inner_server_add_pipe(&client, i * 1000, 1, &reader);

                close(reader);
                close(writer);
        }
        inner_server_close_client(&client);
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 0);
        ck_assert_ptr_null(inner.daemon->quota.users);
        ck_assert(WAIT_UNTIL(count_descriptors() == before, DEADLINE_MS));
}
END_TEST

START_TEST(a_clients_fault_ends_that_clients_session_and_nothing_else)
{
        /* Invariant 7. */
        RawBytes garbage = {0};
        int writer;

        inner_server_open_session(&neighbour);
        writer = inner_server_add_pipe(&neighbour, 0, 1, NULL);
        inner_server_open_session(&client);
        raw_put(&garbage, "\xff\xff\xff", 3);
        raw_client_send(&client, &garbage, NULL, 0);
        inner_server_expect_goodbye(&client, 0, EPROTO,
                                    "a packet of 3 bytes is not a frame of iod.proto");
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        put_byte(writer);
        ck_assert_uint_eq(
                inner_server_expect(&neighbour, IOD__FRAME__BODY_READINESS)->readiness->event[0],
                raw_source(0, 1, READINESS_READABLE));
}
END_TEST

START_TEST(a_users_sessions_are_limited)
{
        char sentence[ERROR_TEXT_MAX];

        policy_set_default_limit(inner.daemon->config->policy, POLICY_SESSIONS, 1);
        inner_server_connect(&neighbour);
        raw_client_connect(&client, inner.options.socket_path);
        snprintf(sentence, sizeof(sentence),
                 "user %u is at the limit of 1 sessions per user: end some first",
                 (unsigned)getuid());
        inner_server_expect_goodbye(&client, 0, EDQUOT, sentence);
        ck_assert_uint_eq(inner.daemon->sessions.count, 1);
        ck_assert_uint_eq(inner.daemon->sessions.not_done[NOT_DONE_REFUSED], 1);
        inner_server_close_client(&neighbour);
        inner_server_connect(&client);
}
END_TEST

/* ---- its turns ---- */

START_TEST(what_becomes_ready_is_told_and_counted)
{
        Session *session = inner_server_open_session(&client);
        int writers[3];
        const Iod__Frame *frame;

        for (uint32_t i = 0; i < 3; i++)
                writers[i] = inner_server_add_pipe(&client, i, 1, NULL);
        for (uint32_t i = 0; i < 3; i++)
                put_byte(writers[i]);
        frame = inner_server_expect(&client, IOD__FRAME__BODY_READINESS);
        ck_assert_uint_eq(frame->sequence, 0);
        ck_assert_uint_eq(frame->readiness->n_event, 3);
        ck_assert_uint_eq(session->events, 3);
        ck_assert_uint_eq(session->frames, 1);
        ck_assert_ptr_null(inner_server_next(&client));
}
END_TEST

START_TEST(a_turn_serves_one_request_of_a_session)
{
        enum { REQUESTS = 3 };
        unsigned answers = 0;

        inner_server_open_session(&client);
        for (uint32_t i = 0; i < REQUESTS; i++)
                raw_client_request(&client, i + 1, RAW_GET_STATUS);
        inner_server_turn();
        while (wait_readable(client.socket_fd, 0)) {
                raw_client_receive(&client);
                answers++;
        }
        ck_assert_uint_eq(answers, 1);
        while (inner_server_next(&client))
                answers++;
        ck_assert_uint_eq(answers, REQUESTS);
}
END_TEST

static void ask_as_neighbour(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        (void)data;
        raw_client_request(&neighbour, 1, RAW_GET_STATUS);
}

START_TEST(who_asks_while_a_packet_with_descriptors_is_served_is_next)
{
        const Iod__Frame *frame;
        struct event *ask;
        int ends[2];

        inner_server_open_session(&client);
        inner_server_open_session(&neighbour);
        pipe_pair(ends);
        ask = event_new(inner.daemon->loop.base, ends[0], EV_READ, ask_as_neighbour, NULL);
        ck_assert_ptr_nonnull(ask);
        ck_assert_int_eq(event_add(ask, NULL), 0);
        /* In this order: so the neighbour asks within the turn that serves the first packet. */
        put_byte(ends[1]);
        for (uint32_t i = 0; i < 2; i++) {
                const uint64_t source = raw_source(i, 1, READINESS_PRIORITY);

                raw_client_add(&client, 1, &source, &ends[1 - i], 1);
        }
        inner_server_turn();
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 1);
        /* In the next turn, or the one after that where the first took all of the user's share. */
        for (int i = 0; i < 3 && inner.daemon->sessions.registration_count < 2; i++)
                inner_server_turn();
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 2);
        frame = raw_client_expect(&neighbour, IOD__FRAME__BODY_STATUS);
        ck_assert_uint_eq(frame->status->registrations, 1);
        event_free(ask);
}
END_TEST

/* ---- a client that does not read ---- */

enum { PIPES = 300 };

static int writers[PIPES], readers[PIPES];

/* Makes readiness again and again, unread, until the daemon holds a frame back. */
static Session *stop_reading(void)
{
        Session *session = inner_server_open_session(&client);

        for (uint32_t i = 0; i < PIPES; i++)
                writers[i] = inner_server_add_pipe(&client, i, 1, &readers[i]);
        for (int round = 0; !notifier_is_waiting(&session->notifier); round++) {
                ck_assert_int_lt(round, 1000);
                for (int i = 0; i < PIPES; i++)
                        put_byte(writers[i]);
                inner_server_settle();
                for (int i = 0; i < PIPES; i++)
                        drain(readers[i]);
        }
        return session;
}

START_TEST(who_does_not_read_is_not_served)
{
        /* Invariant 4. */
        Session *session = stop_reading();
        uint64_t frames = session->frames;

        ck_assert(!event_pending(&session->readable->event, EV_READ, NULL));
        ck_assert(!event_pending(&session->set_watch.ready->event, EV_READ, NULL));
        ck_assert(event_pending(&session->writable->event, EV_WRITE, NULL));
        raw_client_request(&client, 77, RAW_GET_STATUS);
        for (int i = 0; i < PIPES; i++)
                put_byte(writers[i]);
        inner_server_settle();
        ck_assert_uint_eq(session->frames, frames);
        ck_assert_ptr_null(session->notifier.reply);
        ck_assert_uint_eq(inner.daemon->driver.frames, frames);
}
END_TEST

START_TEST(who_reads_again_learns_all_that_is_ready_now)
{
        Session *session = stop_reading();
        static bool told[PIPES];
        uint64_t events = session->events;
        unsigned after = 0;
        bool answered = false;
        const Iod__Frame *frame;

        /* While nobody reads: a thousand changes, and in the end every second pipe is readable. */
        for (int i = 0; i < PIPES; i++) {
                for (int n = 0; n < 3; n++) {
                        put_byte(writers[i]);
                        drain(readers[i]);
                }
                if (i % 2)
                        put_byte(writers[i]);
        }
        raw_client_request(&client, 77, RAW_GET_STATUS);
        /* What was told before is of no account. */
        for (uint64_t seen = 0; seen < events;) {
                frame = inner_server_expect(&client, IOD__FRAME__BODY_READINESS);
                seen += frame->readiness->n_event;
        }
        while ((frame = inner_server_next(&client))) {
                if (frame->body_case == IOD__FRAME__BODY_STATUS) {
                        answered = true;
                        continue;
                }
                for (size_t i = 0; i < frame->readiness->n_event; i++) {
                        told[io_id_slot(io_id_unpack(frame->readiness->event[i]))] = true;
                        after++;
                }
        }
        ck_assert(answered);
        for (int i = 1; i < PIPES; i += 2)
                ck_assert_msg(told[i], "pipe %d is readable and was not told", i);
        /* What happened meanwhile was merged: at most one event for each. */
        ck_assert_uint_le(after, PIPES);
        ck_assert(!event_pending(&session->writable->event, EV_WRITE, NULL));
}
END_TEST

START_TEST(who_does_not_read_costs_the_neighbour_nothing)
{
        int writer;

        stop_reading();
        inner_server_open_session(&neighbour);
        writer = inner_server_add_pipe(&neighbour, 0, 1, NULL);
        for (int i = 0; i < 10; i++) {
                put_byte(writer);
                inner_server_expect(&neighbour, IOD__FRAME__BODY_READINESS);
        }
}
END_TEST

START_TEST(who_closes_without_reading_is_gone)
{
        stop_reading();
        inner_server_close_client(&client);
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 0);
}
END_TEST

/* ---- a closer that is stuck ---- */

static atomic_bool gate_is_shut;
static int gate[2];

/* The closer's, in this program: while the gate is shut it does not return. */
int close(int fd)
{
        if (gate_is_shut && gettid() != getpid()) {
                wait_readable(gate[0], 2 * DEADLINE_MS);
                gate_is_shut = false;
        }
        return (int)syscall(SYS_close, fd);
}

static void shut_gate(void)
{
        ck_assert_int_eq(pipe2(gate, O_CLOEXEC), 0);
        gate_is_shut = true;
}

/* Registers so many files that the closer, when it is stuck, has no room for another packet. */
static void fill_closer(void)
{
        int fds[FRAME_SOURCES_MAX];
        uint64_t sources[FRAME_SOURCES_MAX];

        for (uint32_t packet = 0; packet < 2; packet++) {
                for (uint32_t i = 0; i < FRAME_SOURCES_MAX; i++) {
                        fds[i] = eventfd(0, EFD_CLOEXEC);
                        sources[i] = raw_source(packet * FRAME_SOURCES_MAX + i, 1, 1);
                }
                raw_client_add(&client, 0, sources, fds, FRAME_SOURCES_MAX);
        }
        inner_server_settle();
}

START_TEST(requests_wait_until_the_closer_has_room_and_readiness_does_not)
{
        Session *session = inner_server_open_session(&client);
        int writer = inner_server_add_pipe(&client, 5000, 1, NULL);

        shut_gate();
        fill_closer();
        raw_client_request(&client, 77, RAW_GET_STATUS);
        ck_assert_ptr_null(inner_server_next(&client));
        ck_assert(waker_waits(&session->room));
        ck_assert(!event_pending(&session->readable->event, EV_READ, NULL));
        put_byte(writer);
        inner_server_expect(&client, IOD__FRAME__BODY_READINESS);

        put_byte(gate[1]);
        ck_assert(WAIT_UNTIL((inner_server_settle(), !waker_waits(&session->room)), DEADLINE_MS));
        ck_assert_uint_eq(inner_server_expect(&client, IOD__FRAME__BODY_STATUS)->sequence, 77);
        ck_assert(!waker_waits(&session->room));
        ck_assert_uint_eq(session->registrations.count, 2 * FRAME_SOURCES_MAX + 1);
}
END_TEST

START_TEST(whose_session_ends_sees_the_end_whatever_the_closer_does)
{
        Session *session = inner_server_open_session(&client);

        shut_gate();
        /* Something for the closer to be stuck at. */
        inner_server_add_pipe(&client, 0, 1, NULL);
        event_active(&session->readable->event, EV_TIMEOUT, 1);
        inner_server_expect_goodbye(&client, 0, ETIMEDOUT, "no hello came within 5 seconds");
        ck_assert(gate_is_shut);
        put_byte(gate[1]);
}
END_TEST

START_TEST(who_leaves_much_that_is_not_closed_is_told_to_come_later)
{
        Session *silent[8];
        static RawClient clients[8];
        char sentence[FRAME_TEXT_MAX];
        uint64_t total;

        inner_server_open_session(&client);
        for (int i = 0; i < 8; i++)
                silent[i] = inner_server_connect(&clients[i]);
        shut_gate();
        fill_closer();
        /* Their greeting times out, which ends them whether or not the closer has room. */
        for (int i = 0; i < 8; i++)
                event_active(&silent[i]->readable->event, EV_TIMEOUT, 1);
        inner_server_settle();
        /* Until its goodbye is read, the daemon keeps its end of it. */
        for (int i = 0; i < 8; i++)
                inner_server_close_client(&clients[i]);
        total = inner.daemon->sessions.total;
        snprintf(sentence, sizeof(sentence),
                 "user %u sent descriptors that take long to close: try again later",
                 (unsigned)getuid());
        raw_client_connect(&neighbour, inner.options.socket_path);
        inner_server_expect_goodbye(&neighbour, 0, EDQUOT, sentence);
        ck_assert_uint_eq(inner.daemon->sessions.total, total);
        /* It is nobody else's matter: accepting goes on. */
        ck_assert(event_pending(&inner.daemon->sessions.acceptable->event, EV_READ, NULL));

        put_byte(gate[1]);
        ck_assert(WAIT_UNTIL((raw_client_close(&neighbour),
                              raw_client_connect(&neighbour, inner.options.socket_path),
                              inner_server_settle(), inner.daemon->sessions.total > total),
                             DEADLINE_MS));
}
END_TEST

TEST_SUITE(test_session)
{
        TCase *life = tcase_create("life");
        TCase *serving = tcase_create("serving");

        tcase_add_checked_fixture(life, inner_server_set_up, inner_server_tear_down);
        tcase_add_test(life, the_kernel_says_who_connected);
        tcase_add_test(life, ids_are_never_used_twice);
        tcase_add_test(life, root_and_the_admin_group_see_all_and_nobody_else);
        tcase_add_test(life, who_does_not_say_hello_in_time_is_told_and_ended);
        tcase_add_test(life, an_open_session_has_all_the_time);
        tcase_add_test(life, the_clients_close_gives_back_all_it_had);
        tcase_add_test(life, a_clients_fault_ends_that_clients_session_and_nothing_else);
        tcase_add_test(life, a_users_sessions_are_limited);
        tcase_set_timeout(life, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, life);

        tcase_add_checked_fixture(serving, inner_server_set_up, inner_server_tear_down);
        tcase_add_test(serving, what_becomes_ready_is_told_and_counted);
        tcase_add_test(serving, a_turn_serves_one_request_of_a_session);
        tcase_add_test(serving, who_asks_while_a_packet_with_descriptors_is_served_is_next);
        tcase_add_test(serving, who_does_not_read_is_not_served);
        tcase_add_test(serving, who_reads_again_learns_all_that_is_ready_now);
        tcase_add_test(serving, who_does_not_read_costs_the_neighbour_nothing);
        tcase_add_test(serving, who_closes_without_reading_is_gone);
        tcase_add_test(serving, requests_wait_until_the_closer_has_room_and_readiness_does_not);
        tcase_add_test(serving, whose_session_ends_sees_the_end_whatever_the_closer_does);
        tcase_add_test(serving, who_leaves_much_that_is_not_closed_is_told_to_come_later);
        tcase_set_timeout(serving, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, serving);
}
