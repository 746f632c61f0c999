/*
 * proto/frame: what was encoded is decoded, the limits hold for the fullest frames there can be,
 * and no bytes whatever do harm.
 */
#include "daemon/driver/descriptor_kind.h"
#include "proto/frame.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"

#include <errno.h>
#include <string.h>

static FrameArena arena;
static uint8_t bytes[FRAME_BYTES_MAX];

static void set_up(void)
{
        frame_arena_init(&arena);
}

/* Encodes and decodes; the result lives in the arena. */
static Iod__Frame *pass(const Iod__Frame *frame)
{
        int size = frame_encode(frame, bytes);
        Iod__Frame *out;

        ck_assert_msg(size > 0, "%s", error_text());
        ck_assert_msg(frame_decode(&arena, bytes, (size_t)size, frame->descriptors, &out) == 0,
                      "%s", error_text());
        return out;
}

/* ---- round trips ---- */

START_TEST(a_frame_comes_back_as_it_was)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__AddIoSource add = IOD__ADD_IO_SOURCE__INIT;
        uint64_t sources[FRAME_SOURCES_MAX], gone[FRAME_SOURCES_MAX];
        uint64_t state = 3;

        for (int round = 0; round < 1000; round++) {
                const Iod__Frame *out;

                frame.body_case = IOD__FRAME__BODY_ADD_IO_SOURCE;
                frame.add_io_source = &add;
                frame.sequence = (uint32_t)random_next(&state);
                frame.descriptors = (uint32_t)(add.n_source = random_below(&state, 254));
                add.n_gone = random_below(&state, 254);
                add.source = sources;
                add.gone = gone;
                random_bytes(&state, (uint8_t *)sources, sizeof(sources));
                random_bytes(&state, (uint8_t *)gone, sizeof(gone));

                out = pass(&frame);
                ck_assert_uint_eq(out->sequence, frame.sequence);
                ck_assert_int_eq(out->body_case, IOD__FRAME__BODY_ADD_IO_SOURCE);
                ck_assert_uint_eq(out->add_io_source->n_source, add.n_source);
                ck_assert_uint_eq(out->add_io_source->n_gone, add.n_gone);
                for (size_t i = 0; i < add.n_source; i++)
                        ASSERT_IN_LOOP(out->add_io_source->source[i] == sources[i]);
                for (size_t i = 0; i < add.n_gone; i++)
                        ASSERT_IN_LOOP(out->add_io_source->gone[i] == gone[i]);
        }
}
END_TEST

START_TEST(a_decoded_frame_lies_in_the_arena)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Hello hello = IOD__HELLO__INIT;
        const Iod__Frame *out;
        const uint8_t *parts[3];

        hello.program = (char *)"a program";
        frame.body_case = IOD__FRAME__BODY_HELLO;
        frame.hello = &hello;
        out = pass(&frame);
        parts[0] = (const uint8_t *)out;
        parts[1] = (const uint8_t *)out->hello;
        parts[2] = (const uint8_t *)out->hello->program;
        for (int i = 0; i < 3; i++) {
                ck_assert(parts[i] >= arena.bytes);
                ck_assert(parts[i] < arena.bytes + arena.used);
        }
}
END_TEST

START_TEST(the_arena_serves_one_frame_after_another)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__GetStatus get = IOD__GET_STATUS__INIT;
        size_t used;

        frame.body_case = IOD__FRAME__BODY_GET_STATUS;
        frame.get_status = &get;
        pass(&frame);
        used = arena.used;
        for (int i = 0; i < 1000; i++)
                pass(&frame);
        ck_assert_uint_eq(arena.used, used);
}
END_TEST

/* ---- limits ---- */

START_TEST(a_packet_that_is_just_full_is_encoded_and_one_byte_more_is_not)
{
        static char text[FRAME_BYTES_MAX];
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused refused = IOD__REFUSED__INIT;

        memset(text, 'x', sizeof(text) - 1);
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &refused;
        refused.text = text;
        /* Too long by the framing; without that many bytes of the text it just fits. */
        refused.text += iod__frame__get_packed_size(&frame) - FRAME_BYTES_MAX;
        ck_assert_uint_eq(iod__frame__get_packed_size(&frame), FRAME_BYTES_MAX);
        ck_assert_int_eq(frame_encode(&frame, bytes), FRAME_BYTES_MAX);
        refused.text--;
        ck_assert_int_eq(frame_encode(&frame, bytes), -EMSGSIZE);
        ck_assert_str_eq(error_text(), "a frame of 32769 bytes is over the limit of 32768");
}
END_TEST

START_TEST(every_source_of_a_full_packet_can_be_refused_with_a_full_sentence)
{
        static char text[FRAME_TEXT_MAX];
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused refused = IOD__REFUSED__INIT;
        Iod__RefusedSource sources[FRAME_SOURCES_MAX], *pointers[FRAME_SOURCES_MAX];
        const Iod__Frame *out;

        memset(text, 'x', sizeof(text) - 1);
        for (size_t i = 0; i < FRAME_SOURCES_MAX; i++) {
                sources[i] = (Iod__RefusedSource)IOD__REFUSED_SOURCE__INIT;
                sources[i].id = UINT64_MAX;
                /* An int32 is longest when it is negative. */
                sources[i].error = -1;
                sources[i].text = text;
                pointers[i] = &sources[i];
        }
        refused.error = -1;
        refused.text = text;
        refused.session_ends = true;
        refused.n_source = FRAME_SOURCES_MAX;
        refused.source = pointers;
        frame.descriptors = frame.sequence = UINT32_MAX;
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &refused;
        out = pass(&frame);
        ck_assert_uint_eq(out->refused->n_source, 253);
        ck_assert_str_eq(out->refused->source[252]->text, text);
}
END_TEST

START_TEST(a_full_page_of_registrations_fits)
{
        static char program[FRAME_PROGRAM_MAX + 1];
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Registrations page = IOD__REGISTRATIONS__INIT;
        Iod__RegistrationEntry entries[FRAME_PAGE_MAX], *pointers[FRAME_PAGE_MAX];
        const char *kind = "";

        memset(program, 'x', FRAME_PROGRAM_MAX);
        for (int i = 0; i < DESCRIPTOR_KIND_COUNT; i++) {
                if (strlen(descriptor_kind_name(i)) > strlen(kind))
                        kind = descriptor_kind_name(i);
        }
        for (size_t i = 0; i < FRAME_PAGE_MAX; i++) {
                entries[i] = (Iod__RegistrationEntry)IOD__REGISTRATION_ENTRY__INIT;
                entries[i].session = entries[i].inode = entries[i].tick = UINT64_MAX;
                entries[i].pid = -1;
                entries[i].uid = entries[i].slot = entries[i].generation = UINT32_MAX;
                entries[i].interest = entries[i].readiness = UINT32_MAX;
                entries[i].program = program;
                entries[i].kind = (char *)kind;
                pointers[i] = &entries[i];
        }
        page.n_entry = FRAME_PAGE_MAX;
        page.entry = pointers;
        page.next_session = UINT64_MAX;
        page.next_slot = UINT32_MAX;
        frame.descriptors = frame.sequence = UINT32_MAX;
        frame.body_case = IOD__FRAME__BODY_REGISTRATIONS;
        frame.registrations = &page;
        ck_assert_str_eq(pass(&frame)->registrations->entry[FRAME_PAGE_MAX - 1]->kind, kind);
}
END_TEST

START_TEST(a_full_page_of_sessions_fits)
{
        static char program[FRAME_PROGRAM_MAX + 1];
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Sessions page = IOD__SESSIONS__INIT;
        Iod__SessionEntry entries[FRAME_PAGE_MAX], *pointers[FRAME_PAGE_MAX];

        memset(program, 'x', FRAME_PROGRAM_MAX);
        for (size_t i = 0; i < FRAME_PAGE_MAX; i++) {
                entries[i] = (Iod__SessionEntry)IOD__SESSION_ENTRY__INIT;
                entries[i].session = entries[i].since = UINT64_MAX;
                entries[i].events = entries[i].frames = entries[i].refusals = UINT64_MAX;
                entries[i].pid = -1;
                entries[i].uid = entries[i].gid = entries[i].registrations = UINT32_MAX;
                entries[i].program = program;
                entries[i].waiting = true;
                pointers[i] = &entries[i];
        }
        page.n_entry = FRAME_PAGE_MAX;
        page.entry = pointers;
        page.more = true;
        frame.descriptors = frame.sequence = UINT32_MAX;
        frame.body_case = IOD__FRAME__BODY_SESSIONS;
        frame.sessions = &page;
        ck_assert_str_eq(pass(&frame)->sessions->entry[FRAME_PAGE_MAX - 1]->program, program);
}
END_TEST

START_TEST(a_packet_full_of_ids_fits)
{
        enum { GONE = FRAME_BYTES_MAX / 8 - FRAME_SOURCES_MAX - 8 };
        static uint64_t ids[GONE];
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__AddIoSource add = IOD__ADD_IO_SOURCE__INIT;

        add.source = add.gone = ids;
        add.n_source = FRAME_SOURCES_MAX;
        add.n_gone = GONE;
        frame.descriptors = FRAME_SOURCES_MAX;
        frame.body_case = IOD__FRAME__BODY_ADD_IO_SOURCE;
        frame.add_io_source = &add;
        ck_assert_uint_eq(pass(&frame)->add_io_source->n_gone, GONE);
}
END_TEST

/* ---- what others send ---- */

START_TEST(descriptors_have_to_be_as_many_as_announced)
{
        Iod__Frame frame = IOD__FRAME__INIT, *out;
        int size;

        frame.descriptors = 3;
        size = frame_encode(&frame, bytes);
        ck_assert_int_eq(frame_decode(&arena, bytes, (size_t)size, 3, &out), 0);
        ck_assert_int_eq(frame_decode(&arena, bytes, (size_t)size, 2, &out), -EBADMSG);
        ck_assert_str_eq(error_text(), "a packet came with 2 descriptors and announced 3");
        ck_assert_int_eq(frame_decode(&arena, bytes, (size_t)size, 4, &out), -EBADMSG);
}
END_TEST

START_TEST(bytes_that_are_no_frame_are_said_to_be)
{
        /* Field 1 with wire type 7, which there is not. */
        static const uint8_t broken[] = {1 << 3 | 7, 0, 0};
        Iod__Frame *out;

        ck_assert_int_eq(frame_decode(&arena, broken, sizeof(broken), 0, &out), -EPROTO);
        ck_assert_str_eq(error_text(), "a packet of 3 bytes is not a frame of iod.proto");
}
END_TEST

START_TEST(unknown_fields_are_ignored)
{
        Iod__Frame frame = IOD__FRAME__INIT, *out;
        Iod__GetStatus get = IOD__GET_STATUS__INIT;
        int size;

        frame.sequence = 9;
        frame.body_case = IOD__FRAME__BODY_GET_STATUS;
        frame.get_status = &get;
        size = frame_encode(&frame, bytes);
        /* Field 9, which there is not, a hundred times: 1 byte of text each. */
        for (int i = 0; i < 100; i++) {
                bytes[size++] = 9 << 3 | 2;
                bytes[size++] = 1;
                bytes[size++] = 'x';
        }
        ck_assert_int_eq(frame_decode(&arena, bytes, (size_t)size, 0, &out), 0);
        ck_assert_uint_eq(out->sequence, 9);
        ck_assert_int_eq(out->body_case, IOD__FRAME__BODY_GET_STATUS);
        ck_assert_uint_eq(frame_unknown_body(out), 0);
}
END_TEST

START_TEST(an_unknown_body_is_named_by_its_number)
{
        /* Field 99, length-delimited, empty: 99 << 3 | 2 as a varint, and no bytes. */
        static const uint8_t unknown[] = {((99 << 3 | 2) & 0x7f) | 0x80, (99 << 3 | 2) >> 7, 0};
        Iod__Frame *out;

        ck_assert_int_eq(frame_decode(&arena, unknown, sizeof(unknown), 0, &out), 0);
        ck_assert_int_eq(out->body_case, IOD__FRAME__BODY__NOT_SET);
        ck_assert_uint_eq(frame_unknown_body(out), 99);
        ck_assert_int_eq(frame_decode(&arena, unknown, 0, 0, &out), 0);
        ck_assert_uint_eq(frame_unknown_body(out), 0);
}
END_TEST

START_TEST(bodies_are_called_as_in_the_contract)
{
        ck_assert_str_eq(frame_body_name(IOD__FRAME__BODY_ADD_IO_SOURCE), "add_io_source");
        ck_assert_str_eq(frame_body_name(IOD__FRAME__BODY_REGISTRATIONS), "registrations");
        ck_assert_str_eq(frame_body_name(IOD__FRAME__BODY__NOT_SET), "nothing");
        ck_assert_str_eq(frame_body_name(99), "nothing");
}
END_TEST

/* ---- hostile bytes ---- */

/* Decodes what may be anything; what comes out has to be whole. */
static void decode_anything(const uint8_t *packet, size_t size)
{
        Iod__Frame *out = NULL;
        int r = frame_decode(&arena, packet, size, 0, &out);

        ASSERT_IN_LOOP(r == 0 || r == -EPROTO || r == -EBADMSG);
        ASSERT_IN_LOOP(arena.used <= sizeof(arena.bytes));
        if (r == 0) {
                ASSERT_IN_LOOP(out->descriptors == 0);
                /* Looks at every part. A negative number may come short and is written long. */
                ASSERT_IN_LOOP(iod__frame__get_packed_size(out) <= 2 * size);
        }
}

START_TEST(random_bytes_do_no_harm)
{
        uint64_t state = (uint64_t)_i;

        for (int round = 0; round < 20000; round++) {
                size_t size = random_below(&state, round % 100 == 0 ? FRAME_BYTES_MAX : 200);

                random_bytes(&state, bytes, size);
                decode_anything(bytes, size);
        }
}
END_TEST

START_TEST(frames_with_bytes_changed_do_no_harm)
{
        static uint8_t changed[FRAME_BYTES_MAX];
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Refused refused = IOD__REFUSED__INIT;
        Iod__RefusedSource source = IOD__REFUSED_SOURCE__INIT;
        Iod__RefusedSource *sources[] = {&source, &source, &source};
        uint64_t state = (uint64_t)_i + 1000;
        int size;

        source.text = refused.text = (char *)"a sentence";
        refused.n_source = 3;
        refused.source = sources;
        frame.sequence = 77;
        frame.body_case = IOD__FRAME__BODY_REFUSED;
        frame.refused = &refused;
        size = frame_encode(&frame, bytes);
        ck_assert_int_gt(size, 0);
        for (int round = 0; round < 20000; round++) {
                memcpy(changed, bytes, (size_t)size);
                for (uint32_t n = 1 + random_below(&state, 4); n > 0; n--)
                        changed[random_below(&state, (uint32_t)size)] =
                                (uint8_t)random_next(&state);
                decode_anything(changed, 1 + random_below(&state, (uint32_t)size));
                decode_anything(changed, (size_t)size);
        }
}
END_TEST

START_TEST(a_packet_of_nothing_but_tiny_fields_does_not_outgrow_the_arena)
{
        Iod__Frame *out;

        /* Every two bytes an unknown field, and every two an empty hello: the most memory that
         * bytes can ask for. Refused or decoded, it stays within the arena. */
        for (size_t i = 0; i < FRAME_BYTES_MAX; i += 2) {
                bytes[i] = 9 << 3 | 2;
                bytes[i + 1] = 0;
        }
        ck_assert_int_eq(frame_decode(&arena, bytes, FRAME_BYTES_MAX, 0, &out), -EPROTO);
        ck_assert_uint_le(arena.used, sizeof(arena.bytes));
        for (size_t i = 0; i < FRAME_BYTES_MAX; i += 2)
                bytes[i] = 10 << 3 | 2;
        decode_anything(bytes, FRAME_BYTES_MAX);
}
END_TEST

TEST_SUITE(test_frame)
{
        TCase *contract = tcase_create("contract");
        TCase *hostile = tcase_create("hostile");

        tcase_add_checked_fixture(contract, set_up, NULL);
        tcase_add_test(contract, a_frame_comes_back_as_it_was);
        tcase_add_test(contract, a_decoded_frame_lies_in_the_arena);
        tcase_add_test(contract, the_arena_serves_one_frame_after_another);
        tcase_add_test(contract, a_packet_that_is_just_full_is_encoded_and_one_byte_more_is_not);
        tcase_add_test(contract, every_source_of_a_full_packet_can_be_refused_with_a_full_sentence);
        tcase_add_test(contract, a_full_page_of_registrations_fits);
        tcase_add_test(contract, a_full_page_of_sessions_fits);
        tcase_add_test(contract, a_packet_full_of_ids_fits);
        tcase_add_test(contract, descriptors_have_to_be_as_many_as_announced);
        tcase_add_test(contract, bytes_that_are_no_frame_are_said_to_be);
        tcase_add_test(contract, unknown_fields_are_ignored);
        tcase_add_test(contract, an_unknown_body_is_named_by_its_number);
        tcase_add_test(contract, bodies_are_called_as_in_the_contract);
        tcase_set_timeout(contract, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, contract);

        tcase_add_checked_fixture(hostile, set_up, NULL);
        tcase_add_loop_test(hostile, random_bytes_do_no_harm, 0, 4);
        tcase_add_loop_test(hostile, frames_with_bytes_changed_do_no_harm, 0, 4);
        tcase_add_test(hostile, a_packet_of_nothing_but_tiny_fields_does_not_outgrow_the_arena);
        tcase_set_timeout(hostile, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, hostile);
}
