/*
 * Packets that are no frames, or hardly: cut, malformed, random, mutated, and built to use up
 * memory. None may do more than end its own session. See tests/support/hostile_scene.h for what
 * holds at the end of every test here.
 */
#include "core/readiness.h"
#include "tests/support/config_file.h"
#include "tests/support/deadline.h"
#include "tests/support/fd_message.h"
#include "tests/support/fixture.h"
#include "tests/support/hostile_scene.h"
#include "tests/support/scale.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static ConfigFile config;

/* Each of thousands of packets ends a session, faster than one user may open them otherwise. */
static void set_up(void)
{
        config_file_make(&config);
        config_file_write(&config, "max-sessions-per-second = 1000000\n");
        hostile_scene_start((const char *const[]){"--config", config.path, NULL});
}

static void tear_down(void)
{
        hostile_scene_tear_down();
        config_file_remove(&config);
}

static int pipe_ends[2];

static void open_client(void)
{
        raw_client_open(&scene.client, scene.daemon.socket_path);
}

static void open_pipe(void)
{
        pipe_pair(pipe_ends);
}

static void close_pipe(void)
{
        close(pipe_ends[0]);
        close(pipe_ends[1]);
}

static void send_bytes(const RawBytes *packet, size_t n)
{
        ck_assert_int_eq(raw_client_send(&scene.client, packet, pipe_ends, n), 0);
}

static void expect_no_frame(size_t size)
{
        raw_client_expect_goodbye(&scene.client, 0, EPROTO,
                                  "a packet of %zu bytes is not a frame of iod.proto", size);
}

/* An AddIoSource of both ends of the pipe. */
static void put_add(RawBytes *frame)
{
        const uint64_t sources[] = {raw_source(0, 1, READINESS_READABLE),
                                    raw_source(1, 1, READINESS_WRITABLE)};
        RawBytes body = {0};

        raw_put_packed(&body, RAW_ADD_SOURCE, sources, 2);
        raw_put_frame(frame, 2, 7, RAW_ADD_IO_SOURCE, &body);
}

START_TEST(a_frame_cut_at_any_byte_is_no_frame_or_asks_for_nothing)
{
        RawBytes packet = {0};
        size_t whole;

        put_add(&packet);
        whole = packet.size;
        open_pipe();
        for (packet.size = 1; packet.size < whole; packet.size++) {
                open_client();
                send_bytes(&packet, 2);
                /* Cut between its fields it is a frame, if an empty one. */
                if (packet.size == 2 || packet.size == 4)
                        raw_client_expect_refused(&scene.client, packet.size == 2 ? 0 : 7,
                                                  EOPNOTSUPP,
                                                  "a frame without a body asks for nothing");
                else
                        expect_no_frame(packet.size);
                raw_client_close(&scene.client);
        }
        close_pipe();
}
END_TEST

static const struct {
        const char *bytes;
        size_t size;
} malformed[] = {
        {"\x00", 1},                                          /* field 0 */
        {"\x08", 1},                                          /* a number that is not there */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11}, /* one without an end */
        {"\x09\x01\x00\x00\x00\x00\x00\x00\x00", 9},          /* descriptors in 64 bits */
        {"\x0d\x01\x00\x00\x00", 5},                          /* and in 32 */
        {"\x58\x01", 2},                                      /* add_io_source as a number */
        {"\x5a\x05\x0a", 3},                                  /* longer than the packet */
        {"\x5a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10},     /* longer than memory */
        {"\x5a\x03\x0a\x09\x00", 5},                          /* sources longer than their frame */
        {"\x5a\x06\x0a\x04\x00\x00\x00\x00", 8},              /* half a source */
        {"\x5a\x03\x0d\x00\x00", 5},                          /* a source cut short */
        {"\x5b\x5c", 2},                                      /* a group */
        {"\x5e", 1},                                          /* wire type 6 */
};

START_TEST(malformed_protobuf_ends_the_session)
{
        RawBytes packet = {0};

        open_client();
        open_pipe();
        raw_put(&packet, malformed[_i].bytes, malformed[_i].size);
        send_bytes(&packet, 2);
        expect_no_frame(malformed[_i].size);
        close_pipe();
}
END_TEST

/* ---- random ---- */

/* Numbers from a seed, the same everywhere (xorshift). */
static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return (uint32_t)((random_state >> 32) % limit);
}

static void put_random_bytes(RawBytes *out, size_t size)
{
        while (size-- > 0)
                raw_put(out, &(uint8_t){(uint8_t)random_below(256)}, 1);
}

static void put_some_valid_frame(RawBytes *frame)
{
        static const unsigned requests[] = {RAW_GET_STATUS, RAW_LIST_SESSIONS,
                                            RAW_LIST_REGISTRATIONS};

        if (random_below(2) == 0)
                put_add(frame);
        else
                raw_put_frame(frame, 0, random_below(1000), requests[random_below(3)], NULL);
}

static void mutate(RawBytes *frame)
{
        for (uint32_t changes = 1 + random_below(4); changes > 0; changes--) {
                uint8_t *byte = &frame->bytes[random_below((uint32_t)frame->size)];

                switch (random_below(4)) {
                case 0:
                        *byte ^= (uint8_t)(1 << random_below(8));
                        break;
                case 1:
                        *byte = (uint8_t)random_below(256);
                        break;
                case 2:
                        put_random_bytes(frame, 1 + random_below(3));
                        break;
                default:
                        frame->size -= random_below((uint32_t)frame->size);
                        break;
                }
        }
}

static bool is_documented(int error)
{
        static const int errors[] = {EPROTO, EBADMSG, EOPNOTSUPP, EMSGSIZE, EPROTONOSUPPORT, EINVAL,
                                     ENOENT, EACCES,  ESTALE,     EEXIST,   EDQUOT,          0};

        for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
                if (error == errors[i])
                        return true;
        }
        return false;
}

static void check_refused(const Iod__Refused *refused)
{
        ck_assert_msg(is_documented(refused->error), "errno %d: %s", refused->error, refused->text);
        ck_assert(refused->error == 0 || *refused->text);
        for (size_t i = 0; i < refused->n_source; i++) {
                ck_assert_msg(is_documented(refused->source[i]->error), "errno %d: %s",
                              refused->source[i]->error, refused->source[i]->text);
                ck_assert(*refused->source[i]->text);
        }
}

/* Sends a packet and reads all there is to read of it: until a GetStatus sent behind it is
 * answered, or the session has ended with a reason. */
static void serve_packet(const RawBytes *packet)
{
        enum { SENT_BEHIND = 987654321 };
        RawBytes behind = {0};
        Iod__Frame *frame;

        ck_assert_int_eq(raw_client_send(&scene.client, packet, pipe_ends, random_below(3)), 0);
        raw_put_frame(&behind, 0, SENT_BEHIND, RAW_GET_STATUS, NULL);
        raw_client_send(&scene.client, &behind, NULL, 0);
        do {
                frame = raw_client_receive(&scene.client);
                ck_assert_msg(frame != NULL, "the session ended without a word");
                if (frame->body_case != IOD__FRAME__BODY_REFUSED)
                        continue;
                check_refused(frame->refused);
                if (frame->refused->session_ends)
                        return;
        } while (frame->sequence != SENT_BEHIND);
}

START_TEST(random_bytes_do_no_more_than_end_their_session)
{
        open_pipe();
        for (int seed = 1; seed <= scaled(1000, 4000, 100000); seed++) {
                RawBytes packet;

                packet.size = 0;
                random_state = (uint64_t)seed * 0x9e3779b97f4a7c15u;
                put_random_bytes(&packet, 1 + random_below(_i == 0 ? 24 : 600));
                open_client();
                serve_packet(&packet);
                raw_client_close(&scene.client);
        }
        close_pipe();
}
END_TEST

START_TEST(valid_frames_with_a_few_bytes_changed_do_no_more_than_end_their_session)
{
        open_pipe();
        for (int seed = 1; seed <= scaled(1000, 4000, 100000); seed++) {
                RawBytes packet;

                packet.size = 0;
                random_state = (uint64_t)seed * 0x9e3779b97f4a7c15u;
                put_some_valid_frame(&packet);
                mutate(&packet);
                open_client();
                serve_packet(&packet);
                raw_client_close(&scene.client);
        }
        close_pipe();
}
END_TEST

/* ---- what would use up memory ---- */

START_TEST(unknown_fields_are_ignored)
{
        enum { UNKNOWN = 200 };
        RawBytes body = {0}, frame = {0};

        open_client();
        for (unsigned i = 0; i < UNKNOWN; i++) {
                raw_put_number(&body, 100 + i, i);
                raw_put_bytes(&body, 1000 + i, "ignored", 7);
        }
        raw_put_frame(&frame, 0, 7, RAW_GET_STATUS, &body);
        raw_put_fixed64(&frame, 100, 1);
        send_bytes(&frame, 0);
        ck_assert_uint_eq(raw_client_expect(&scene.client, IOD__FRAME__BODY_STATUS)->sequence, 7);
}
END_TEST

START_TEST(so_many_unknown_fields_that_they_do_not_fit_end_the_session)
{
        RawBytes frame = {0};

        open_client();
        while (frame.size < FRAME_BYTES_MAX)
                raw_put_number(&frame, 9, 1);
        send_bytes(&frame, 0);
        expect_no_frame(FRAME_BYTES_MAX);
}
END_TEST

START_TEST(thousands_of_entries_that_do_not_fit_end_the_session)
{
        RawBytes body = {0}, frame = {0};

        /* Of a frame that is the daemon's, but entries are decoded before anybody asks whose. */
        open_client();
        while (body.size < FRAME_BYTES_MAX - 16)
                raw_put_bytes(&body, 3, NULL, 0);
        raw_put_frame(&frame, 0, 0, RAW_REFUSED, &body);
        send_bytes(&frame, 0);
        expect_no_frame(frame.size);
}
END_TEST

START_TEST(thousands_of_sources_need_as_many_descriptors)
{
        enum { SOURCES = 4000 };
        static const uint64_t sources[SOURCES];
        RawBytes body = {0}, frame = {0};

        open_client();
        raw_put_packed(&body, RAW_ADD_SOURCE, sources, SOURCES);
        raw_put_frame(&frame, 0, 7, RAW_ADD_IO_SOURCE, &body);
        send_bytes(&frame, 0);
        raw_client_expect_goodbye(&scene.client, 7, EBADMSG,
                                  "add_io_source names %d sources and came with 0 descriptors",
                                  SOURCES);
}
END_TEST

/* Protobuf lets an encoder pack numbers or not. */
static void put_sources_one_by_one(RawBytes *frame, uint32_t sources, uint32_t announced)
{
        RawBytes body = {0};

        for (uint32_t i = 0; i < sources; i++)
                raw_put_fixed64(&body, RAW_ADD_SOURCE, raw_source(i, 1, READINESS_READABLE));
        raw_put_frame(frame, announced, 7, RAW_ADD_IO_SOURCE, &body);
}

START_TEST(sources_that_are_not_packed_are_served)
{
        int fds[FRAME_SOURCES_MAX];
        RawBytes frame = {0};

        open_client();
        for (int i = 0; i < FRAME_SOURCES_MAX; i++)
                fds[i] = open_eventfd();
        put_sources_one_by_one(&frame, FRAME_SOURCES_MAX, FRAME_SOURCES_MAX);
        ck_assert_int_eq(raw_client_send(&scene.client, &frame, fds, FRAME_SOURCES_MAX), 0);
        ck_assert_uint_eq(raw_client_status(&scene.client)->registrations, 1 + FRAME_SOURCES_MAX);
        for (int i = 0; i < FRAME_SOURCES_MAX; i++)
                close(fds[i]);
}
END_TEST

START_TEST(so_many_sources_that_are_not_packed_that_they_do_not_fit_end_the_session)
{
        RawBytes frame = {0};

        open_client();
        put_sources_one_by_one(&frame, 3600, 0);
        send_bytes(&frame, 0);
        expect_no_frame(frame.size);
}
END_TEST

START_TEST(thousands_of_ids_that_are_gone_already_are_refused_and_the_session_goes_on)
{
        enum { GONE = 4000 };
        RawBytes body = {0}, frame = {0};
        uint64_t ids[GONE];

        open_client();
        for (uint32_t i = 0; i < GONE; i++)
                ids[i] = raw_source(i * 4099, i, (uint16_t)i);
        raw_put_packed(&body, RAW_ADD_GONE, ids, GONE);
        raw_put_frame(&frame, 0, 7, RAW_ADD_IO_SOURCE, &body);
        send_bytes(&frame, 0);
        raw_client_expect_refused(&scene.client, 7, EINVAL,
                                  "a packet names at most %d ids that are gone, and %d taken ones",
                                  FRAME_IDS_MAX, FRAME_IDS_MAX);
        ck_assert_uint_eq(raw_client_status(&scene.client)->registrations, 1);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
        return tcase;
}

TEST_SUITE(test_hostile_bytes)
{
        TCase *broken = add_case(suite, "broken");
        TCase *chance = add_case(suite, "random");
        TCase *memory = add_case(suite, "memory");

        tcase_add_test(broken, a_frame_cut_at_any_byte_is_no_frame_or_asks_for_nothing);
        tcase_add_loop_test(broken, malformed_protobuf_ends_the_session, 0,
                            (int)(sizeof(malformed) / sizeof(malformed[0])));
        tcase_add_loop_test(chance, random_bytes_do_no_more_than_end_their_session, 0, 2);
        tcase_add_test(chance,
                       valid_frames_with_a_few_bytes_changed_do_no_more_than_end_their_session);
        tcase_add_test(memory, unknown_fields_are_ignored);
        tcase_add_test(memory, so_many_unknown_fields_that_they_do_not_fit_end_the_session);
        tcase_add_test(memory, thousands_of_entries_that_do_not_fit_end_the_session);
        tcase_add_test(memory, thousands_of_sources_need_as_many_descriptors);
        tcase_add_test(memory, sources_that_are_not_packed_are_served);
        tcase_add_test(memory,
                       so_many_sources_that_are_not_packed_that_they_do_not_fit_end_the_session);
        tcase_add_test(memory,
                       thousands_of_ids_that_are_gone_already_are_refused_and_the_session_goes_on);
}
