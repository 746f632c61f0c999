/*
 * daemon/notifier: what a full socket does not take is kept, once, and sent when there is room:
 * nothing lost, nothing twice, nothing out of order.
 */
#include "core/error.h"
#include "daemon/driver/notifier.h"
#include "proto/frame_socket.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int pair[2]; /* [0] the daemon's end, [1] the client's */
static Notifier notifier;
static uint32_t waiting;
static FrameArena arena;
static uint8_t packet[FRAME_BYTES_MAX];

static void set_up(void)
{
        unix_pair(SOCK_SEQPACKET | SOCK_NONBLOCK, pair);
        frame_arena_init(&arena);
        notifier_init(&notifier, pair[0], &waiting);
}

static void tear_down(void)
{
        notifier_deinit(&notifier);
}

/* The next frame that the client reads; NULL when there is none now. */
static const Iod__Frame *next_frame(void)
{
        FdList fds = {.count = 0};
        Iod__Frame *frame;
        int size = frame_socket_receive(pair[1], packet, sizeof(packet), &fds);

        if (size == -EAGAIN)
                return NULL;
        ASSERT_IN_LOOP(size > 0 && fds.count == 0);
        ASSERT_IN_LOOP(frame_decode(&arena, packet, (size_t)size, 0, &frame) == 0);
        return frame;
}

static int send_one(uint64_t entry)
{
        return notifier_send_readiness(&notifier, &entry, 1);
}

static int send_reply(uint32_t sequence, const char *text)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused refused = IOD__REFUSED__INIT;

        refused.text = (char *)text;
        frame.sequence = sequence;
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &refused;
        return notifier_send_reply(&notifier, &frame);
}

/* Sends entries 1, 2, … until the client has to read; the last one was kept. */
static uint64_t fill_socket(void)
{
        uint64_t entry = 1;
        int r;

        while ((r = send_one(entry)) == 0) {
                ck_assert(!notifier_is_waiting(&notifier));
                entry++;
        }
        ck_assert_int_eq(r, NOTIFIER_WAITING);
        ck_assert_uint_gt(entry, 1);
        return entry;
}

static void expect_entries(uint64_t first, uint64_t last)
{
        for (uint64_t entry = first; entry <= last; entry++) {
                const Iod__Frame *frame = next_frame();

                ck_assert_ptr_nonnull(frame);
                ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_READINESS);
                ck_assert_uint_eq(frame->sequence, 0);
                ck_assert_uint_eq(frame->readiness->n_event, 1);
                ck_assert_uint_eq(frame->readiness->event[0], entry);
        }
}

START_TEST(readiness_goes_out_as_one_frame)
{
        uint64_t packed[] = {io_id_pack(io_id_make(3, 1), READINESS_READABLE),
                             io_id_pack(io_id_make(4, 2), READINESS_WRITABLE)};
        const Iod__Frame *frame;

        ck_assert_int_eq(notifier_send_readiness(&notifier, packed, 2), 0);
        ck_assert(!notifier_is_waiting(&notifier));
        frame = next_frame();
        ck_assert_ptr_nonnull(frame);
        ck_assert_uint_eq(frame->readiness->n_event, 2);
        ck_assert_uint_eq(frame->readiness->event[0], packed[0]);
        ck_assert_uint_eq(frame->readiness->event[1], packed[1]);
        ck_assert_ptr_null(next_frame());
}
END_TEST

START_TEST(a_reply_goes_out_with_its_sequence)
{
        const Iod__Frame *frame;

        ck_assert_int_eq(send_reply(77, "no"), 0);
        frame = next_frame();
        ck_assert_ptr_nonnull(frame);
        ck_assert_uint_eq(frame->sequence, 77);
        ck_assert_str_eq(frame->refused->text, "no");
}
END_TEST

START_TEST(a_full_turn_of_the_longest_entries_fits)
{
        uint64_t packed[FRAME_EVENTS_MAX];
        const Iod__Frame *received;

        memset(packed, 0xff, sizeof(packed));
        ck_assert_int_eq(notifier_send_readiness(&notifier, packed, FRAME_EVENTS_MAX), 0);
        received = next_frame();
        ck_assert_uint_eq(received->readiness->n_event, 256);
        ck_assert_mem_eq(received->readiness->event, packed, sizeof(packed));
}
END_TEST

START_TEST(readiness_that_finds_no_room_is_kept_until_the_client_has_read)
{
        uint64_t last = fill_socket();

        ck_assert(notifier_is_waiting(&notifier));
        ck_assert_int_eq(notifier_flush(&notifier), NOTIFIER_WAITING);
        ck_assert(notifier_is_waiting(&notifier));
        expect_entries(1, last - 1);
        ck_assert_ptr_null(next_frame());
        ck_assert_int_eq(notifier_flush(&notifier), 0);
        ck_assert(!notifier_is_waiting(&notifier));
        expect_entries(last, last);
        /* Not twice. */
        ck_assert_int_eq(notifier_flush(&notifier), 0);
        ck_assert_ptr_null(next_frame());
}
END_TEST

START_TEST(a_reply_that_finds_no_room_is_kept_until_the_client_has_read)
{
        char text[64] = "kept";
        const Iod__Frame *frame;
        unsigned sent = 0;
        int r;

        while ((r = send_reply(sent, text)) == 0)
                sent++;
        ck_assert_int_eq(r, NOTIFIER_WAITING);
        ck_assert(notifier_is_waiting(&notifier));
        /* What the frame was made of may be gone by then. */
        memset(text, 'x', sizeof(text) - 1);
        ck_assert_int_eq(notifier_flush(&notifier), NOTIFIER_WAITING);
        for (unsigned i = 0; i < sent; i++)
                ck_assert_uint_eq(next_frame()->sequence, i);
        ck_assert_int_eq(notifier_flush(&notifier), 0);
        ck_assert(!notifier_is_waiting(&notifier));
        frame = next_frame();
        ck_assert_ptr_nonnull(frame);
        ck_assert_uint_eq(frame->sequence, sent);
        ck_assert_str_eq(frame->refused->text, "kept");
        ck_assert_ptr_null(next_frame());
}
END_TEST

START_TEST(what_is_kept_is_released_with_the_notifier)
{
        /* For the leak checkers to see. */
        fill_socket();
        expect_entries(1, 1);
        while (notifier_flush(&notifier) == 0)
                if (send_reply(1, "a reply") == NOTIFIER_WAITING)
                        break;
        ck_assert(notifier_is_waiting(&notifier));
}
END_TEST

START_TEST(a_client_that_is_gone_is_an_error)
{
        uint64_t last;

        close(pair[1]);
        ck_assert_int_eq(send_one(1), -EPIPE);
        ck_assert_int_eq(send_reply(1, "no"), -EPIPE);

        notifier_deinit(&notifier);
        set_up();
        last = fill_socket();
        ck_assert_uint_gt(last, 1);
        close(pair[1]);
        ck_assert_int_lt(notifier_flush(&notifier), 0);
}
END_TEST

START_TEST(a_reply_too_large_for_a_packet_is_an_error_and_not_kept)
{
        static char text[FRAME_BYTES_MAX];

        memset(text, 'x', sizeof(text) - 1);
        ck_assert_int_eq(send_reply(1, text), -EMSGSIZE);
        ck_assert(!notifier_is_waiting(&notifier));
        ck_assert_int_eq(send_reply(2, "small"), 0);
        ck_assert_uint_eq(next_frame()->sequence, 2);
}
END_TEST

/* Reads a frame, if there is one, whose numbers have to start with first; returns how many. */
static uint64_t check_next(uint64_t first)
{
        const Iod__Frame *frame = next_frame();

        if (!frame)
                return 0;
        if (frame->body_case == IOD__FRAME__BODY_REFUSED) {
                ck_assert_uint_eq(frame->sequence, first);
                return 1;
        }
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_READINESS);
        for (size_t i = 0; i < frame->readiness->n_event; i++)
                ASSERT_IN_LOOP(frame->readiness->event[i] == first + i);
        return frame->readiness->n_event;
}

/* The daemon's rule, taken at random: while waiting nothing new is sent; the client reads when it
 * likes. What arrives are the numbers 1, 2, 3, … in frames of any size and kind. */
START_TEST(whatever_the_pace_everything_arrives_once_and_in_order)
{
        uint64_t state = (uint64_t)_i;
        uint64_t sent = 0, received = 0;
        unsigned waits = 0;
        int send_buffer = 2048;

        setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
        for (int round = 0; round < 5000 || received < sent; round++) {
                /* Now the client is the slower one, now the daemon. */
                bool client = random_below(&state, 100) < (round / 500 % 2 ? 70u : 30u);

                if (client || round >= 5000) {
                        received += check_next(received + 1);
                } else if (!notifier_is_waiting(&notifier) && random_below(&state, 10) == 0) {
                        ASSERT_IN_LOOP(send_reply((uint32_t)++sent, "reply") >= 0);
                } else if (!notifier_is_waiting(&notifier)) {
                        uint64_t packed[FRAME_EVENTS_MAX];
                        size_t n = 1 + random_below(&state, FRAME_EVENTS_MAX);

                        for (size_t i = 0; i < n; i++)
                                packed[i] = ++sent;
                        ASSERT_IN_LOOP(notifier_send_readiness(&notifier, packed, n) >= 0);
                }
                if (notifier_is_waiting(&notifier)) {
                        waits++;
                        ASSERT_IN_LOOP(notifier_flush(&notifier) >= 0);
                }
        }
        ck_assert(!notifier_is_waiting(&notifier));
        ck_assert_ptr_null(next_frame());
        ck_assert_uint_eq(received, sent);
        /* The point of it all did come up. */
        ck_assert_uint_gt(waits, 100);
}
END_TEST

TEST_SUITE(test_notifier)
{
        TCase *frames = tcase_create("frames");

        tcase_add_checked_fixture(frames, set_up, tear_down);
        tcase_add_test(frames, readiness_goes_out_as_one_frame);
        tcase_add_test(frames, a_reply_goes_out_with_its_sequence);
        tcase_add_test(frames, a_full_turn_of_the_longest_entries_fits);
        tcase_add_test(frames, readiness_that_finds_no_room_is_kept_until_the_client_has_read);
        tcase_add_test(frames, a_reply_that_finds_no_room_is_kept_until_the_client_has_read);
        tcase_add_test(frames, what_is_kept_is_released_with_the_notifier);
        tcase_add_test(frames, a_client_that_is_gone_is_an_error);
        tcase_add_test(frames, a_reply_too_large_for_a_packet_is_an_error_and_not_kept);
        tcase_add_loop_test(frames, whatever_the_pace_everything_arrives_once_and_in_order, 1, 5);
        tcase_set_timeout(frames, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, frames);
}
