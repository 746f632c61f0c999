/*
 * daemon/requests/dispatch: who may ask for what when, what each mistake is called, and that the
 * budget is charged for what is registered and nothing else.
 */
#include "core/error.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/inner_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static RawClient client, other;

static int open_one(void)
{
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        ck_assert_int_ge(fd, 0);
        return fd;
}

/* ---- hello ---- */

START_TEST(hello_is_answered_with_all_a_client_has_to_know)
{
        Session *session = inner_server_connect(&client);
        const Iod__Frame *frame;

        raw_client_hello(&client, 1, "a program");
        frame = inner_server_expect(&client, IOD__FRAME__BODY_WELCOME);
        ck_assert_uint_eq(frame->sequence, 1);
        ck_assert_uint_eq(frame->welcome->version, 1);
        ck_assert_uint_eq(frame->welcome->epoch, inner.daemon->epoch);
        ck_assert_uint_eq(frame->welcome->session, session->id);
        ck_assert_uint_ne(frame->welcome->session, 0);
        ck_assert_uint_eq(frame->welcome->registrations_max, OPTIONS_REGISTRATIONS_PER_SESSION_MAX);
        ck_assert_str_eq(frame->welcome->release, PACKAGE_VERSION);
        ck_assert_str_eq(session->peer.program, "a program");
}
END_TEST

START_TEST(a_name_may_be_left_to_the_kernel)
{
        Session *session = inner_server_connect(&client);
        char kernels[sizeof(session->peer.program)];

        strcpy(kernels, session->peer.program);
        ck_assert_str_ne(kernels, "");
        raw_client_hello(&client, 1, NULL);
        inner_server_expect(&client, IOD__FRAME__BODY_WELCOME);
        ck_assert_str_eq(session->peer.program, kernels);
}
END_TEST

START_TEST(another_version_is_refused_with_ours)
{
        inner_server_connect(&client);
        raw_client_hello(&client, 2, "test");
        inner_server_expect_goodbye(&client, 1, EPROTONOSUPPORT,
                                    "protocol version 2 is not spoken here: this daemon speaks 1");
        ck_assert_uint_eq(inner.daemon->sessions.count, 0);
}
END_TEST

static const char *const bad_names[] = {
        "123456789012345678901234567890123",
        "line\nbreak",
        "\x7f",
        "na\xc3\xafve",
};

START_TEST(a_name_is_short_and_printable)
{
        inner_server_connect(&client);
        raw_client_hello(&client, 1, bad_names[_i]);
        inner_server_expect_goodbye(&client, 1, EINVAL,
                                    "a program's name is at most 32 bytes of printable ASCII");
}
END_TEST

START_TEST(the_longest_name_is_taken)
{
        Session *session = inner_server_connect(&client);

        raw_client_hello(&client, 1, "12345678901234567890123456789012");
        inner_server_expect(&client, IOD__FRAME__BODY_WELCOME);
        ck_assert_str_eq(session->peer.program, "12345678901234567890123456789012");
}
END_TEST

START_TEST(hello_comes_first_and_once)
{
        inner_server_connect(&client);
        raw_client_request(&client, 5, RAW_GET_STATUS);
        inner_server_expect_goodbye(&client, 5, EPROTO,
                                    "the first frame has to be hello, and was get_status");

        inner_server_connect(&client);
        raw_client_request(&client, 6, 99);
        inner_server_expect_goodbye(&client, 6, EPROTO,
                                    "the first frame has to be hello, and was unknown");

        inner_server_open_session(&client);
        raw_client_hello(&client, 1, "again");
        inner_server_expect_goodbye(&client, 1, EPROTO, "hello came twice: a session has one");
}
END_TEST

/* ---- which frames ---- */

static const struct Unknown {
        unsigned field;
        const char *sentence;
} unknown[] = {
        {99, "frame 99 of iod.proto is unknown to this daemon (" PACKAGE_VERSION ")"},
        {RAW_WELCOME, "welcome is a frame from the daemon, not to it"},
        {31, "readiness is a frame from the daemon, not to it"},
};

START_TEST(a_frame_that_is_no_request_is_refused_by_name_and_the_session_goes_on)
{
        inner_server_open_session(&client);
        raw_client_request(&client, 8, unknown[_i].field);
        inner_server_expect_refused(&client, 8, EOPNOTSUPP, unknown[_i].sentence);
        raw_client_request(&client, 9, RAW_GET_STATUS);
        inner_server_expect(&client, IOD__FRAME__BODY_STATUS);
}
END_TEST

START_TEST(a_frame_without_a_body_is_refused)
{
        RawBytes frame = {0};

        inner_server_open_session(&client);
        raw_put_number(&frame, RAW_FRAME_SEQUENCE, 8);
        raw_client_send(&client, &frame, NULL, 0);
        inner_server_expect_refused(&client, 8, EOPNOTSUPP,
                                    "a frame without a body asks for nothing");
}
END_TEST

START_TEST(descriptors_where_none_belong_end_the_session)
{
        RawBytes frame = {0};
        int fd = open_one();

        inner_server_open_session(&client);
        raw_put_frame(&frame, 1, 8, RAW_GET_STATUS, NULL);
        raw_client_send(&client, &frame, &fd, 1);
        inner_server_expect_goodbye(&client, 8, EBADMSG,
                                    "get_status takes no descriptors and came with 1");
}
END_TEST

START_TEST(sources_and_descriptors_are_as_many)
{
        static const unsigned fields[] = {RAW_ADD_IO_SOURCE, RAW_REMOVE_IO_SOURCE};
        static const char *const sentences[] = {
                "add_io_source names 2 sources and came with 1 descriptors",
                "remove_io_source names 2 sources and came with 1 descriptors",
        };
        uint64_t sources[] = {raw_source(0, 1, 1), raw_source(1, 1, 1)};
        int fd = open_one();

        for (int i = 0; i < 2; i++) {
                RawBytes body = {0}, frame = {0};

                inner_server_open_session(&client);
                raw_put_packed(&body, RAW_ADD_SOURCE, sources, 2);
                raw_put_frame(&frame, 1, 8, fields[i], &body);
                raw_client_send(&client, &frame, &fd, 1);
                inner_server_expect_goodbye(&client, 8, EBADMSG, sentences[i]);
        }
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 0);
}
END_TEST

/* ---- registering ---- */

START_TEST(a_registration_is_not_answered_and_a_full_packet_of_them_neither)
{
        Session *session = inner_server_open_session(&client);
        uint64_t sources[FRAME_SOURCES_MAX];
        int fds[FRAME_SOURCES_MAX];
        size_t before;

        for (uint32_t i = 0; i < FRAME_SOURCES_MAX; i++) {
                sources[i] = raw_source(i, 1, READINESS_READABLE);
                fds[i] = open_one();
        }
        before = count_descriptors();
        raw_client_add(&client, 8, sources, fds, FRAME_SOURCES_MAX);
        ck_assert_ptr_null(inner_server_next(&client));
        ck_assert_uint_eq(session->registrations.count, 253);
        ck_assert_uint_eq(session->charged_registrations, 253);
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 253);
        /* Invariant 1: nothing of it is kept but the session's epoll set. */
        ck_assert(WAIT_UNTIL(count_descriptors() == before + 1, DEADLINE_MS));
}
END_TEST

START_TEST(refused_sources_come_back_with_their_sentences_and_the_others_are_done)
{
        Session *session = inner_server_open_session(&client);
        uint64_t sources[] = {raw_source(0, 1, 1), raw_source(1, 1, 1), raw_source(2, 1, 1),
                              raw_source(3, 1, 1)};
        int fds[] = {open_one(), open("/etc/passwd", O_RDONLY | O_CLOEXEC), -1, open_one()};
        const Iod__Refused *refused;
        const Iod__Frame *frame;

        fds[2] = fds[0];
        raw_client_add(&client, 8, sources, fds, 4);
        frame = inner_server_expect(&client, IOD__FRAME__BODY_REFUSED);
        refused = frame->refused;
        ck_assert_uint_eq(frame->sequence, 8);
        ck_assert_int_eq(refused->error, 0);
        ck_assert(!refused->session_ends);
        ck_assert_uint_eq(refused->n_source, 2);
        ck_assert_uint_eq(refused->source[0]->id, raw_source(1, 1, 0));
        ck_assert_int_eq(refused->source[0]->error, EPERM);
        ck_assert_str_eq(refused->source[0]->text,
                         "a regular file is always ready: use it without waiting");
        ck_assert_uint_eq(refused->source[1]->id, raw_source(2, 1, 0));
        ck_assert_int_eq(refused->source[1]->error, EEXIST);
        ck_assert_uint_eq(session->registrations.count, 2);
        ck_assert_uint_eq(session->charged_registrations, 2);
        ck_assert_uint_eq(session->not_done.counts[NOT_DONE_REFUSED], 2);
        ck_assert_uint_eq(inner.daemon->sessions.not_done[NOT_DONE_REFUSED], 2);
}
END_TEST

START_TEST(a_full_packet_can_be_refused_source_by_source)
{
        uint64_t sources[FRAME_SOURCES_MAX];
        int fds[FRAME_SOURCES_MAX];
        const Iod__Frame *frame;

        inner_server_open_session(&client);
        for (uint32_t i = 0; i < FRAME_SOURCES_MAX; i++) {
                sources[i] = raw_source(IO_ID_SLOT_MAX - i, IO_ID_GENERATION_MAX, 1);
                fds[i] = client.socket_fd;
        }
        raw_client_add(&client, 8, sources, fds, FRAME_SOURCES_MAX);
        frame = inner_server_expect(&client, IOD__FRAME__BODY_REFUSED);
        ck_assert_uint_eq(frame->refused->n_source, 253);
        ck_assert_str_eq(frame->refused->source[252]->text,
                         "slot 16776963 is past the limit of 65536 registrations a session");
}
END_TEST

START_TEST(what_is_said_to_be_gone_is_off_the_budget)
{
        Session *session = inner_server_open_session(&client);
        RawBytes body = {0}, frame = {0};
        uint64_t gone[] = {raw_source(0, 1, 0), raw_source(1, 7, 0), raw_source(99, 1, 0)};

        for (uint32_t i = 0; i < 3; i++)
                inner_server_add_pipe(&client, i, 1, NULL);
        ck_assert_uint_eq(session->charged_registrations, 3);
        raw_put_packed(&body, RAW_ADD_GONE, gone, 3);
        raw_put_frame(&frame, 0, 8, RAW_ADD_IO_SOURCE, &body);
        raw_client_send(&client, &frame, NULL, 0);
        /* Only the first names a registration; the others are nothing to complain about. */
        ck_assert_ptr_null(inner_server_next(&client));
        ck_assert_uint_eq(session->registrations.count, 2);
        ck_assert_uint_eq(session->charged_registrations, 2);
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 2);
}
END_TEST

/* They are served in one go, which others have to wait for. */
START_TEST(a_packet_names_so_many_that_are_gone_or_taken_and_no_more)
{
        enum { RAW_ADD_TAKEN = 3 };
        static uint64_t ids[FRAME_IDS_MAX + 1];
        const unsigned fields[] = {RAW_ADD_GONE, RAW_ADD_TAKEN};
        Session *session = inner_server_open_session(&client);

        for (uint32_t i = 0; i <= FRAME_IDS_MAX; i++)
                ids[i] = raw_source(i, 1, 0);
        inner_server_add_pipe(&client, 0, 1, NULL);
        for (size_t i = 0; i < 2; i++) {
                RawBytes body = {0}, frame = {0};

                raw_put_packed(&body, fields[i], ids, FRAME_IDS_MAX + 1);
                raw_put_frame(&frame, 0, 8, RAW_ADD_IO_SOURCE, &body);
                raw_client_send(&client, &frame, NULL, 0);
                inner_server_expect_refused(
                        &client, 8, EINVAL,
                        "a packet names at most 512 ids that are gone, and 512 taken ones");
                ck_assert_uint_eq(session->registrations.count, 1);
        }
        for (size_t i = 2; i-- > 0;) {
                RawBytes body = {0}, frame = {0};

                raw_put_packed(&body, fields[i], ids, FRAME_IDS_MAX);
                raw_put_frame(&frame, 0, 8, RAW_ADD_IO_SOURCE, &body);
                raw_client_send(&client, &frame, NULL, 0);
                ck_assert_ptr_null(inner_server_next(&client));
        }
        ck_assert_uint_eq(session->registrations.count, 0);
}
END_TEST

START_TEST(what_was_removed_is_off_the_budget)
{
        Session *session = inner_server_open_session(&client);
        uint64_t ids[] = {raw_source(0, 1, 0), raw_source(5, 1, 0)};
        const Iod__Frame *frame;
        int readers[2];

        inner_server_add_pipe(&client, 0, 1, &readers[0]);
        readers[1] = readers[0];
        raw_client_remove(&client, 9, ids, readers, 2);
        frame = inner_server_expect(&client, IOD__FRAME__BODY_REFUSED);
        ck_assert_uint_eq(frame->refused->n_source, 1);
        ck_assert_uint_eq(frame->refused->source[0]->id, ids[1]);
        ck_assert_int_eq(frame->refused->source[0]->error, ESTALE);
        ck_assert_uint_eq(session->registrations.count, 0);
        ck_assert_uint_eq(session->charged_registrations, 0);
}
END_TEST

/* ---- the user's budget ---- */

static void set_up_small(void)
{
        inner_server_prepare();
        inner.options.registrations_per_user_max = 3;
        inner_server_open();
}

static void expect_budget_refusal(RawClient *of)
{
        char sentence[ERROR_TEXT_MAX];
        const Iod__Frame *frame = inner_server_expect(of, IOD__FRAME__BODY_REFUSED);

        snprintf(sentence, sizeof(sentence),
                 "user %u is at the limit of 3 registrations per user: end some first",
                 (unsigned)getuid());
        ck_assert_uint_eq(frame->refused->n_source, 1);
        ck_assert_int_eq(frame->refused->source[0]->error, EDQUOT);
        ck_assert_str_eq(frame->refused->source[0]->text, sentence);
}

START_TEST(a_user_has_one_budget_over_all_sessions_and_gets_back_what_ends)
{
        inner_server_open_session(&client);
        inner_server_open_session(&other);
        inner_server_add_pipe(&client, 0, 1, NULL);
        inner_server_add_pipe(&client, 1, 1, NULL);
        inner_server_add_pipe(&other, 0, 1, NULL);
        inner_server_add_pipe(&other, 1, 1, NULL);
        expect_budget_refusal(&other);
        inner_server_close_client(&client);
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 1);
        inner_server_add_pipe(&other, 1, 1, NULL);
        inner_server_add_pipe(&other, 2, 1, NULL);
        ck_assert_ptr_null(inner_server_next(&other));
        ck_assert_uint_eq(inner.daemon->sessions.registration_count, 3);
}
END_TEST

/* They count as entries in the kernel until it has been asked: before more is refused for good. */
START_TEST(a_user_has_a_share_of_the_kernels_entries_and_what_was_closed_comes_back)
{
        Session *session = inner_server_open_session(&client);
        uint64_t source = raw_source(3, 1, 1);
        int readers[3], reader;
        const Iod__Frame *frame;

        inner_server_open_session(&other);
        inner.daemon->watches.share.max = 6;
        for (uint32_t i = 0; i < 2; i++)
                inner_server_add_pipe(&client, i, 1, &readers[i]);
        inner_server_add_pipe(&other, 0, 1, &readers[2]);
        /* So near to it, the kernel is asked from the second on. */
        ck_assert(WAIT_UNTIL((inner_server_settle(), session->user->watches == 3), DEADLINE_MS));
        reader = open_one();
        raw_client_add(&client, 8, &source, &reader, 1);
        ck_assert(WAIT_UNTIL((frame = inner_server_next(&client)) != NULL, DEADLINE_MS));
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_REFUSED);
        ck_assert_int_eq(frame->refused->source[0]->error, EDQUOT);
        ck_assert_str_eq(frame->refused->source[0]->text,
                         "3 of 6 epoll watches of all users together; 3 are yours: close some");
        ck_assert_uint_eq(session->charged_registrations, 2);

        close(readers[0]);
        inner_server_await_closer();
        session->registrations.reconcile_after = 0;
        source = raw_source(4, 1, 1);
        raw_client_add(&client, 9, &source, &reader, 1);
        ck_assert(WAIT_UNTIL((inner_server_settle(),
                              registration_set_recreate(&session->registrations, io_id_make(4, 1))),
                             DEADLINE_MS));
        ck_assert_uint_eq(session->user->watches, 3);
}
END_TEST

START_TEST(what_takes_the_place_of_an_open_file_counts_beside_it)
{
        Session *session = inner_server_open_session(&client);
        const Iod__Frame *frame;
        int readers[4];

        inner.daemon->watches.share.max = 6;
        for (uint32_t i = 0; i < 3; i++)
                inner_server_add_pipe(&client, 0, i + 1, &readers[i]);
        ck_assert(WAIT_UNTIL((inner_server_settle(), session->user->watches == 3), DEADLINE_MS));
        inner_server_add_pipe(&client, 0, 4, &readers[3]);
        ck_assert(WAIT_UNTIL((frame = inner_server_next(&client)) != NULL, DEADLINE_MS));
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_REFUSED);
        ck_assert_int_eq(frame->refused->source[0]->error, EDQUOT);
        ck_assert_uint_eq(session->user->watches, 3);
}
END_TEST

START_TEST(refusals_are_not_charged)
{
        uint64_t source = raw_source(0, 1, 1);
        int file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

        inner_server_open_session(&client);
        for (int i = 0; i < 10; i++) {
                raw_client_add(&client, 0, &source, &file, 1);
                inner_server_expect(&client, IOD__FRAME__BODY_REFUSED);
        }
        for (uint32_t i = 0; i < 3; i++)
                inner_server_add_pipe(&client, i, 1, NULL);
        ck_assert_ptr_null(inner_server_next(&client));
}
END_TEST

START_TEST(at_the_limit_a_slot_can_still_be_used_anew)
{
        Session *session = inner_server_open_session(&client);
        uint64_t source = raw_source(0, 2, READINESS_READABLE | READINESS_WRITABLE);
        int reader;

        for (uint32_t i = 0; i < 3; i++)
                inner_server_add_pipe(&client, i, 1, NULL);
        inner_server_add_pipe(&client, 0, 2, &reader);
        ck_assert_ptr_null(inner_server_next(&client));
        /* And its interest changed. */
        raw_client_add(&client, 0, &source, &reader, 1);
        ck_assert_ptr_null(inner_server_next(&client));
        ck_assert_uint_eq(session->charged_registrations, 3);
        inner_server_add_pipe(&client, 3, 1, NULL);
        expect_budget_refusal(&client);
}
END_TEST

TEST_SUITE(test_dispatch)
{
        TCase *frames = tcase_create("frames");
        TCase *sources = tcase_create("sources");
        TCase *budget = tcase_create("budget");

        tcase_add_checked_fixture(frames, inner_server_set_up, inner_server_tear_down);
        tcase_add_test(frames, hello_is_answered_with_all_a_client_has_to_know);
        tcase_add_test(frames, a_name_may_be_left_to_the_kernel);
        tcase_add_test(frames, another_version_is_refused_with_ours);
        tcase_add_loop_test(frames, a_name_is_short_and_printable, 0, 4);
        tcase_add_test(frames, the_longest_name_is_taken);
        tcase_add_test(frames, hello_comes_first_and_once);
        tcase_add_loop_test(frames,
                            a_frame_that_is_no_request_is_refused_by_name_and_the_session_goes_on,
                            0, 3);
        tcase_add_test(frames, a_frame_without_a_body_is_refused);
        tcase_add_test(frames, descriptors_where_none_belong_end_the_session);
        tcase_add_test(frames, sources_and_descriptors_are_as_many);
        tcase_set_timeout(frames, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, frames);

        tcase_add_checked_fixture(sources, inner_server_set_up, inner_server_tear_down);
        tcase_add_test(sources, a_registration_is_not_answered_and_a_full_packet_of_them_neither);
        tcase_add_test(sources,
                       refused_sources_come_back_with_their_sentences_and_the_others_are_done);
        tcase_add_test(sources, a_full_packet_can_be_refused_source_by_source);
        tcase_add_test(sources, what_is_said_to_be_gone_is_off_the_budget);
        tcase_add_test(sources, a_packet_names_so_many_that_are_gone_or_taken_and_no_more);
        tcase_add_test(sources, what_was_removed_is_off_the_budget);
        tcase_set_timeout(sources, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, sources);

        tcase_add_checked_fixture(budget, set_up_small, inner_server_tear_down);
        tcase_add_test(budget, a_user_has_one_budget_over_all_sessions_and_gets_back_what_ends);
        tcase_add_test(budget,
                       a_user_has_a_share_of_the_kernels_entries_and_what_was_closed_comes_back);
        tcase_add_test(budget, what_takes_the_place_of_an_open_file_counts_beside_it);
        tcase_add_test(budget, refusals_are_not_charged);
        tcase_add_test(budget, at_the_limit_a_slot_can_still_be_used_anew);
        tcase_set_timeout(budget, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, budget);
}
