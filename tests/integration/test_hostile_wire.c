/*
 * What a client may not say, frame by frame: the daemon's errno and sentence for it, and whether
 * the session goes on, as iod.proto promises. See tests/support/hostile_scene.h for what holds at
 * the end of every test here.
 */
#include "core/readiness.h"
#include "tests/support/deadline.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"
#include "tests/support/hostile_scene.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void connect_client(void)
{
        raw_client_connect(&scene.client, scene.daemon.socket_path);
}

static void open_client(void)
{
        raw_client_open(&scene.client, scene.daemon.socket_path);
}

static void send_bytes(const RawBytes *packet, const int *borrow_fds, size_t n)
{
        ck_assert_int_eq(raw_client_send(&scene.client, packet, borrow_fds, n), 0);
}

/* A frame with an empty body. */
static void send_frame(uint32_t announced, uint32_t sequence, unsigned field, const int *borrow_fds,
                       size_t n)
{
        RawBytes frame = {0};

        raw_put_frame(&frame, announced, sequence, field, NULL);
        send_bytes(&frame, borrow_fds, n);
}

/* An AddIoSource or RemoveIoSource of n_sources from slot 0 on. */
static void send_sources(unsigned field, uint32_t announced, size_t n_sources, const int *fds,
                         size_t n_fds)
{
        RawBytes body = {0}, frame = {0};
        uint64_t sources[FRAME_SOURCES_MAX + 1];

        for (size_t i = 0; i < n_sources; i++)
                sources[i] = raw_source((uint32_t)i, 1, READINESS_READABLE);
        raw_put_packed(&body, RAW_ADD_SOURCE, sources, n_sources);
        raw_put_frame(&frame, announced, 7, field, &body);
        send_bytes(&frame, fds, n_fds);
}

/* ---- how a session opens ---- */

START_TEST(another_protocol_version_is_refused_with_ours)
{
        static const uint32_t versions[] = {0, 2, 4294967295u};

        connect_client();
        raw_client_hello(&scene.client, versions[_i], "raw");
        raw_client_expect_goodbye(&scene.client, 1, EPROTONOSUPPORT,
                                  "protocol version %u is not spoken here: this daemon speaks 1",
                                  versions[_i]);
}
END_TEST

START_TEST(the_first_frame_has_to_be_hello)
{
        connect_client();
        raw_client_request(&scene.client, 7, RAW_GET_STATUS);
        raw_client_expect_goodbye(&scene.client, 7, EPROTO,
                                  "the first frame has to be hello, and was get_status");
}
END_TEST

START_TEST(an_unknown_first_frame_is_not_hello_either)
{
        connect_client();
        raw_client_request(&scene.client, 7, 99);
        raw_client_expect_goodbye(&scene.client, 7, EPROTO,
                                  "the first frame has to be hello, and was unknown");
}
END_TEST

START_TEST(descriptors_before_hello_are_closed)
{
        int ends[2];

        connect_client();
        pipe_pair(ends);
        send_sources(RAW_ADD_IO_SOURCE, 1, 1, ends, 1);
        raw_client_expect_goodbye(&scene.client, 7, EPROTO,
                                  "the first frame has to be hello, and was add_io_source");
        close(ends[0]);
        close(ends[1]);
}
END_TEST

START_TEST(hello_comes_once)
{
        open_client();
        raw_client_hello(&scene.client, 1, "raw");
        raw_client_expect_goodbye(&scene.client, 1, EPROTO, "hello came twice: a session has one");
}
END_TEST

START_TEST(a_program_name_is_short_and_printable)
{
        static const char *const names[] = {
                "a name that is one byte too long.",
                "new\nline",
                "caf\xc3\xa9",
                "del\x7f",
        };

        connect_client();
        raw_client_hello(&scene.client, 1, names[_i]);
        raw_client_expect_goodbye(&scene.client, 1, EINVAL,
                                  "a program's name is at most 32 bytes of printable ASCII");
}
END_TEST

START_TEST(a_program_name_of_32_bytes_is_taken)
{
        connect_client();
        raw_client_hello(&scene.client, 1, "a name that is just not too long");
        raw_client_expect(&scene.client, IOD__FRAME__BODY_WELCOME);
}
END_TEST

START_TEST(a_connection_that_says_nothing_ends_after_five_seconds)
{
        connect_client();
        raw_client_expect_goodbye(&scene.client, 0, ETIMEDOUT, "no hello came within 5 seconds");
}
END_TEST

/* ---- frames ---- */

START_TEST(an_unknown_frame_is_refused_by_its_number)
{
        static const unsigned numbers[] = {3, 1000, 36, 536870911};

        open_client();
        raw_client_request(&scene.client, 7, numbers[_i]);
        raw_client_expect_refused(&scene.client, 7, EOPNOTSUPP,
                                  "frame %u of iod.proto is unknown to this daemon (%s)",
                                  numbers[_i], PACKAGE_VERSION);
}
END_TEST

START_TEST(an_unknown_frame_with_descriptors_is_refused_and_they_are_closed)
{
        int ends[2];

        open_client();
        pipe_pair(ends);
        send_frame(2, 7, 99, ends, 2);
        raw_client_expect_refused(&scene.client, 7, EOPNOTSUPP,
                                  "frame 99 of iod.proto is unknown to this daemon (%s)",
                                  PACKAGE_VERSION);
        close(ends[1]);
        ck_assert(wait_readable(ends[0], DEADLINE_MS));
        close(ends[0]);
}
END_TEST

START_TEST(a_frame_of_the_daemon_is_refused_by_name)
{
        static const struct {
                unsigned field;
                const char *name;
        } frames[] = {
                {30, "welcome"}, {31, "readiness"}, {32, "refused"},
                {33, "status"},  {34, "sessions"},  {35, "registrations"},
        };

        open_client();
        raw_client_request(&scene.client, 7, frames[_i].field);
        raw_client_expect_refused(&scene.client, 7, EOPNOTSUPP,
                                  "%s is a frame from the daemon, not to it", frames[_i].name);
}
END_TEST

START_TEST(a_frame_without_a_body_is_refused)
{
        RawBytes frame = {0};

        open_client();
        raw_put_number(&frame, RAW_FRAME_SEQUENCE, 7);
        send_bytes(&frame, NULL, 0);
        raw_client_expect_refused(&scene.client, 7, EOPNOTSUPP,
                                  "a frame without a body asks for nothing");
}
END_TEST

START_TEST(of_two_bodies_the_last_counts)
{
        RawBytes frame = {0};

        open_client();
        raw_put_bytes(&frame, RAW_LIST_SESSIONS, NULL, 0);
        raw_put_bytes(&frame, RAW_GET_STATUS, NULL, 0);
        send_bytes(&frame, NULL, 0);
        raw_client_expect(&scene.client, IOD__FRAME__BODY_STATUS);
}
END_TEST

START_TEST(of_a_body_that_comes_twice_the_last_counts)
{
        const uint64_t sources[] = {raw_source(0, 1, READINESS_READABLE),
                                    raw_source(1, 1, READINESS_READABLE)};
        RawBytes frame = {0};
        int ends[2];

        open_client();
        pipe_pair(ends);
        raw_put_number(&frame, RAW_FRAME_DESCRIPTORS, 2);
        for (int i = 0; i < 2; i++) {
                RawBytes body = {0};

                raw_put_packed(&body, RAW_ADD_SOURCE, &sources[i], 1);
                raw_put_bytes(&frame, RAW_ADD_IO_SOURCE, body.bytes, body.size);
        }
        send_bytes(&frame, ends, 2);
        raw_client_expect_goodbye(&scene.client, 0, EBADMSG,
                                  "add_io_source names 1 sources and came with 2 descriptors");
        close(ends[0]);
        close(ends[1]);
}
END_TEST

/* ---- packets ---- */

START_TEST(a_packet_over_the_limit_ends_the_session)
{
        static const size_t sizes[] = {FRAME_BYTES_MAX + 1, RAW_BYTES_MAX};
        RawBytes packet = {0};
        int ends[2];

        open_client();
        pipe_pair(ends);
        /* An unknown field that fills the packet to the byte; what is in it does not matter. */
        raw_put_number(&packet, RAW_FRAME_DESCRIPTORS, 2);
        raw_put_varint(&packet, 99 << 3 | 2);
        raw_put_varint(&packet, sizes[_i] - packet.size - 3);
        packet.size = sizes[_i];
        send_bytes(&packet, ends, 2);
        raw_client_expect_goodbye(&scene.client, 0, EMSGSIZE,
                                  "a packet is longer than the limit of 32768 bytes");
        close(ends[0]);
        close(ends[1]);
}
END_TEST

START_TEST(a_packet_of_just_the_limit_is_served)
{
        RawBytes packet = {0};

        open_client();
        raw_put_number(&packet, RAW_FRAME_SEQUENCE, 7);
        raw_put_bytes(&packet, RAW_GET_STATUS, NULL, 0);
        raw_put_varint(&packet, 99 << 3 | 2);
        raw_put_varint(&packet, FRAME_BYTES_MAX - packet.size - 3);
        packet.size = FRAME_BYTES_MAX;
        send_bytes(&packet, NULL, 0);
        ck_assert_uint_eq(raw_client_expect(&scene.client, IOD__FRAME__BODY_STATUS)->sequence, 7);
}
END_TEST

START_TEST(an_empty_packet_is_the_end_of_file)
{
        RawBytes packet = {0};
        int ends[2];

        open_client();
        pipe_pair(ends);
        send_bytes(&packet, ends, _i == 0 ? 0 : 2);
        raw_client_expect_end(&scene.client);
        close(ends[0]);
        close(ends[1]);
}
END_TEST

/* ---- descriptors and their number ---- */

START_TEST(descriptors_that_were_not_announced_end_the_session)
{
        int ends[2];

        open_client();
        pipe_pair(ends);
        send_sources(RAW_ADD_IO_SOURCE, 1, 2, ends, 2);
        raw_client_expect_goodbye(&scene.client, 7, EBADMSG,
                                  "a packet came with 2 descriptors and announced 1");
        close(ends[0]);
        close(ends[1]);
}
END_TEST

START_TEST(descriptors_that_did_not_come_end_the_session)
{
        static const uint32_t announced[] = {1, 254, 4294967295u};

        open_client();
        send_frame(announced[_i], 7, RAW_GET_STATUS, NULL, 0);
        raw_client_expect_goodbye(&scene.client, 7, EBADMSG,
                                  "a packet came with 0 descriptors and announced %u",
                                  announced[_i]);
}
END_TEST

START_TEST(sources_have_a_descriptor_each)
{
        static const struct {
                unsigned field;
                const char *name;
                size_t sources;
                size_t descriptors;
        } frames[] = {
                {RAW_ADD_IO_SOURCE, "add_io_source", 1, 2},
                {RAW_ADD_IO_SOURCE, "add_io_source", 3, 2},
                {RAW_ADD_IO_SOURCE, "add_io_source", 0, 2},
                {RAW_REMOVE_IO_SOURCE, "remove_io_source", 1, 0},
                {RAW_REMOVE_IO_SOURCE, "remove_io_source", 1, 2},
        };
        int ends[2];

        open_client();
        pipe_pair(ends);
        send_sources(frames[_i].field, (uint32_t)frames[_i].descriptors, frames[_i].sources, ends,
                     frames[_i].descriptors);
        raw_client_expect_goodbye(&scene.client, 7, EBADMSG,
                                  "%s names %zu sources and came with %zu descriptors",
                                  frames[_i].name, frames[_i].sources, frames[_i].descriptors);
        close(ends[0]);
        close(ends[1]);
}
END_TEST

START_TEST(frames_that_take_no_descriptors_end_the_session_that_sends_some)
{
        static const struct {
                unsigned field;
                const char *name;
        } frames[] = {
                {RAW_GET_STATUS, "get_status"},
                {RAW_LIST_SESSIONS, "list_sessions"},
                {RAW_LIST_REGISTRATIONS, "list_registrations"},
        };
        int ends[2];

        open_client();
        pipe_pair(ends);
        send_frame(2, 7, frames[_i].field, ends, 2);
        raw_client_expect_goodbye(&scene.client, 7, EBADMSG,
                                  "%s takes no descriptors and came with 2", frames[_i].name);
        close(ends[0]);
        close(ends[1]);
}
END_TEST

START_TEST(a_packet_brings_253_descriptors_and_the_kernel_takes_no_more)
{
        RawBytes packet = {0};
        int pipes[FRAME_SOURCES_MAX + 1][2];
        int fds[FRAME_SOURCES_MAX + 1];

        open_client();
        for (int i = 0; i < FRAME_SOURCES_MAX + 1; i++) {
                pipe_pair(pipes[i]);
                fds[i] = pipes[i][0];
        }
        raw_put_frame(&packet, FRAME_SOURCES_MAX + 1, 7, RAW_ADD_IO_SOURCE, NULL);
        ck_assert_int_eq(raw_client_send(&scene.client, &packet, fds, FRAME_SOURCES_MAX + 1),
                         -EINVAL);
        send_sources(RAW_ADD_IO_SOURCE, FRAME_SOURCES_MAX, FRAME_SOURCES_MAX, fds,
                     FRAME_SOURCES_MAX);
        ck_assert_uint_eq(raw_client_status(&scene.client)->registrations, 1 + FRAME_SOURCES_MAX);
        for (int i = 0; i < FRAME_SOURCES_MAX + 1; i++) {
                close(pipes[i][0]);
                close(pipes[i][1]);
        }
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, hostile_scene_set_up, hostile_scene_tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
        return tcase;
}

TEST_SUITE(test_hostile_wire)
{
        TCase *opening = add_case(suite, "opening");
        TCase *frames = add_case(suite, "frames");
        TCase *packets = add_case(suite, "packets");
        TCase *descriptors = add_case(suite, "descriptors");

        tcase_add_loop_test(opening, another_protocol_version_is_refused_with_ours, 0, 3);
        tcase_add_test(opening, the_first_frame_has_to_be_hello);
        tcase_add_test(opening, an_unknown_first_frame_is_not_hello_either);
        tcase_add_test(opening, descriptors_before_hello_are_closed);
        tcase_add_test(opening, hello_comes_once);
        tcase_add_loop_test(opening, a_program_name_is_short_and_printable, 0, 4);
        tcase_add_test(opening, a_program_name_of_32_bytes_is_taken);
        tcase_add_test(opening, a_connection_that_says_nothing_ends_after_five_seconds);

        tcase_add_loop_test(frames, an_unknown_frame_is_refused_by_its_number, 0, 4);
        tcase_add_test(frames, an_unknown_frame_with_descriptors_is_refused_and_they_are_closed);
        tcase_add_loop_test(frames, a_frame_of_the_daemon_is_refused_by_name, 0, 6);
        tcase_add_test(frames, a_frame_without_a_body_is_refused);
        tcase_add_test(frames, of_two_bodies_the_last_counts);
        tcase_add_test(frames, of_a_body_that_comes_twice_the_last_counts);

        tcase_add_loop_test(packets, a_packet_over_the_limit_ends_the_session, 0, 2);
        tcase_add_test(packets, a_packet_of_just_the_limit_is_served);
        tcase_add_loop_test(packets, an_empty_packet_is_the_end_of_file, 0, 2);

        tcase_add_test(descriptors, descriptors_that_were_not_announced_end_the_session);
        tcase_add_loop_test(descriptors, descriptors_that_did_not_come_end_the_session, 0, 3);
        tcase_add_loop_test(descriptors, sources_have_a_descriptor_each, 0, 5);
        tcase_add_loop_test(descriptors,
                            frames_that_take_no_descriptors_end_the_session_that_sends_some, 0, 3);
        tcase_add_test(descriptors, a_packet_brings_253_descriptors_and_the_kernel_takes_no_more);
}
