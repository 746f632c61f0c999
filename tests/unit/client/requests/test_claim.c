/*
 * client/claim: which connections the next daemon is told to be in hand, with what, and when; and
 * that whatever becomes of them meanwhile, nothing wrong is told.
 */
#include "client/requests/claim.h"

#include "client/handle/io_driver_handle.h"
#include "client/requests/sealed_note.h"
#include "core/cleanup.h"
#include "tests/support/scripted_daemon.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { ENDPOINT = 5, NEXT_ENDPOINT = 6, CREDITS = 300, SLOTS = 1000 };

static ScriptedDaemon kyron_iod;
static KyronEndpoint *endpoint;
static TestCall call;
static uint64_t ids[CREDITS];
static uint64_t epoch;

static uint32_t expect_join(void)
{
        const Iod__Frame *frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_JOIN);

        for (size_t i = 0; i < frame->join->n_source; i++)
                ids[i] = io_id_unpack(frame->join->source[i]);
        return frame->sequence;
}

static void join(bool keep_on_death)
{
        const KyronEndpointOptions options = {
                .name = "app",
                .credits = CREDITS,
                .keep_on_death = keep_on_death,
        };

        test_call_init(&call);
        ck_assert_int_eq(
                kyron_endpoint_join(&endpoint, kyron_iod.handle, &options, &call.operation),
                KYRON_PENDING);
        scripted_daemon_send_joined(&kyron_iod, expect_join(), ENDPOINT, "unix:@app");
        process(kyron_iod.handle, 0);
}

static void set_up(void)
{
        const KyronOptions options = {.outage_ms = DEADLINE_MS};

        epoch = 1;
        scripted_daemon_start_with(&kyron_iod, SLOTS, &options);
}

static void tear_down(void)
{
        kyron_endpoint_close(endpoint);
        scripted_daemon_stop(&kyron_iod);
}

/* Passes a connection, with a note if there is one, and accepts it. */
static KyronUnixStream *pass(uint64_t id, const char *note, int *far)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Connections body = IOD__CONNECTIONS__INIT;
        Iod__Connection connection = IOD__CONNECTION__INIT, *connections[] = {&connection};
        KyronUnixStream *stream;
        int fds[2] = {-1, -1}, ends[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        *far = ends[0];
        fds[0] = ends[1];
        connection.id = id;
        if (note) {
                connection.note_size = (uint32_t)strlen(note);
                ck_assert_int_eq(sealed_note_new(&fds[1], note, strlen(note)), 0);
        }
        body.endpoint = ENDPOINT;
        body.n_connection = 1;
        body.connection = connections;
        frame.body_case = IOD__FRAME__BODY_CONNECTIONS;
        frame.connections = &body;
        scripted_daemon_send(&kyron_iod, &frame, fds, note ? 2 : 1);
        close(fds[0]);
        if (note)
                close(fds[1]);
        process(kyron_iod.handle, 0);
        test_call_init(&call);
        ck_assert_int_eq(kyron_endpoint_accept_unix(endpoint, &call.operation, &stream), 0);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        return stream;
}

static void lose_daemon(void)
{
        scripted_daemon_lose(&kyron_iod);
}

/* The next daemon has read the registrations, if there are any, and Join. */
static void come_back_and_join(bool registers)
{
        uint32_t sequence;

        scripted_daemon_come_back(&kyron_iod, ++epoch);
        if (registers)
                scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        sequence = expect_join();
        scripted_daemon_expect_nothing(&kyron_iod);
        scripted_daemon_send_joined(&kyron_iod, sequence, NEXT_ENDPOINT, "unix:@app");
}

static const Iod__Claim *expect_claim(size_t n)
{
        const Iod__Claim *claim = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_CLAIM)->claim;

        ck_assert_uint_eq(claim->endpoint, NEXT_ENDPOINT);
        ck_assert_uint_eq(claim->n_connection, n);
        return claim;
}

static void expect_note(size_t place, const char *note)
{
        char text[16] = "";

        ck_assert_int_eq(pread(fd_list_borrow(&kyron_iod.fds, place), text, sizeof(text), 0),
                         (ssize_t)strlen(note));
        ck_assert_str_eq(text, note);
}

START_TEST(what_the_program_has_is_claimed_once_its_endpoint_has_joined)
{
        int far;
        KyronUnixStream *stream;
        const Iod__Claim *claim;
        uint64_t id;

        join(true);
        id = ids[0];
        stream = pass(id, "offset 7", &far);
        lose_daemon();
        come_back_and_join(true);
        claim = expect_claim(1);
        ck_assert_uint_eq(claim->connection[0]->id, id);
        ck_assert(claim->connection[0]->keep_on_death);
        ck_assert_uint_eq(claim->connection[0]->note_size, 8);
        ck_assert_uint_eq(kyron_iod.fds.count, 2);
        put_byte(far);
        ck_assert_uint_eq(drain(fd_list_borrow(&kyron_iod.fds, 0)), 1);
        expect_note(1, "offset 7");
        scripted_daemon_expect_nothing(&kyron_iod);
        /* It counts, so its end is told. */
        kyron_unix_stream_close(stream);
        ck_assert_uint_eq(scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE)
                                  ->add_io_source->gone[0],
                          id);
        close(far);
}
END_TEST

START_TEST(what_is_not_kept_is_claimed_without_its_descriptor)
{
        int far;
        KyronUnixStream *stream;
        const Iod__Claim *claim;

        join(false);
        stream = pass(ids[0], "old", &far);
        lose_daemon();
        come_back_and_join(true);
        claim = expect_claim(1);
        ck_assert(!claim->connection[0]->keep_on_death);
        ck_assert_uint_eq(claim->connection[0]->note_size, 0);
        ck_assert_uint_eq(kyron_iod.fds.count, 0);
        kyron_unix_stream_close(stream);
        close(far);
}
END_TEST

/* Asks to keep it, and the daemon's answer is an error or 0. */
static void keep(KyronUnixStream *stream, const char *note, int error)
{
        TestCall keeping;
        uint32_t sequence;

        test_call_init(&keeping);
        ck_assert_int_eq(kyron_unix_stream_keep(stream, note, strlen(note), &keeping.operation),
                         KYRON_PENDING);
        sequence = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_HOLD)->sequence;
        if (error)
                scripted_daemon_send_refused(&kyron_iod, sequence, error, "no");
        else
                scripted_daemon_send_done(&kyron_iod, sequence);
        ck_assert(PROCESS_UNTIL(kyron_iod.handle, keeping.completions == 1));
        ck_assert_int_eq(keeping.result, -error);
}

START_TEST(it_is_claimed_with_the_note_it_was_kept_with_last)
{
        size_t before;
        int far;
        KyronUnixStream *stream;
        const Iod__Claim *claim;

        join(false);
        before = count_descriptors();
        stream = pass(ids[0], "old", &far);
        keep(stream, "newer", 0);
        keep(stream, "newest", 0);
        keep(stream, "refused", EDQUOT);
        lose_daemon();
        come_back_and_join(true);
        claim = expect_claim(1);
        ck_assert(claim->connection[0]->keep_on_death);
        ck_assert_uint_eq(claim->connection[0]->note_size, 6);
        expect_note(1, "newest");
        /* With none, it has none any more. */
        keep(stream, "", 0);
        lose_daemon();
        come_back_and_join(true);
        claim = expect_claim(1);
        ck_assert(claim->connection[0]->keep_on_death);
        ck_assert_uint_eq(claim->connection[0]->note_size, 0);
        ck_assert_uint_eq(kyron_iod.fds.count, 1);
        keep(stream, "last", 0);
        fd_list_close(&kyron_iod.fds);
        kyron_unix_stream_close(stream);
        close(far);
        process(kyron_iod.handle, 0);
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(a_keep_that_was_refused_is_not_asked_for_again)
{
        int far;
        KyronUnixStream *stream;

        join(false);
        stream = pass(ids[0], NULL, &far);
        keep(stream, "note", EDQUOT);
        lose_daemon();
        come_back_and_join(true);
        ck_assert(!expect_claim(1)->connection[0]->keep_on_death);
        kyron_unix_stream_close(stream);
        close(far);
}
END_TEST

/* Asks to keep it while there is no daemon. */
static void ask_to_keep(KyronUnixStream *stream, const char *note, TestCall *keeping)
{
        test_call_init(keeping);
        ck_assert_int_eq(kyron_unix_stream_keep(stream, note, strlen(note), &keeping->operation),
                         KYRON_PENDING);
}

/* The daemon keeps it, with this note. */
static void expect_kept(uint64_t id, const char *note, TestCall *keeping)
{
        const Iod__Frame *frame = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_HOLD);

        ck_assert_uint_eq(frame->hold->id, id);
        ck_assert_uint_eq(frame->hold->note_size, strlen(note));
        expect_note(0, note);
        scripted_daemon_send_done(&kyron_iod, frame->sequence);
        ck_assert(PROCESS_UNTIL(kyron_iod.handle, keeping->completions == 1));
        ck_assert_int_eq(keeping->result, 0);
}

START_TEST(a_keep_that_is_asked_for_in_an_outage_comes_after_the_claim)
{
        TestCall keeping;
        KyronUnixStream *stream;
        const Iod__Claim *claim;
        uint64_t id;
        int far;

        join(false);
        id = ids[0];
        stream = pass(id, NULL, &far);
        lose_daemon();
        ask_to_keep(stream, "note", &keeping);
        come_back_and_join(true);
        claim = expect_claim(1);
        ck_assert(claim->connection[0]->keep_on_death);
        ck_assert_uint_eq(kyron_iod.fds.count, 1);
        expect_kept(id, "note", &keeping);
        /* As it is from then on. */
        lose_daemon();
        come_back_and_join(true);
        ck_assert(expect_claim(1)->connection[0]->keep_on_death);
        expect_note(1, "note");
        kyron_unix_stream_close(stream);
        close(far);
}
END_TEST

START_TEST(until_then_it_is_nobody_elses)
{
        TestCall keeping;
        KyronUnixStream *stream;
        uint32_t sequence;
        uint64_t id;
        int far;

        join(false);
        id = ids[0];
        stream = pass(id, NULL, &far);
        lose_daemon();
        ask_to_keep(stream, "note", &keeping);
        /* It was the same daemon all along, which was never asked. */
        scripted_daemon_come_back(&kyron_iod, epoch);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        sequence = expect_join();
        scripted_daemon_send_joined(&kyron_iod, sequence, NEXT_ENDPOINT, "unix:@app");
        expect_claim(1);
        expect_kept(id, "note", &keeping);
        kyron_unix_stream_close(stream);
        close(far);
}
END_TEST

START_TEST(it_follows_a_connection_to_a_lower_slot)
{
        enum { FEWER = 100 };
        TestCall keeping;
        KyronUnixStream *stream;
        uint64_t id;
        int far;

        join(false);
        ck_assert_uint_gt(io_id_slot(ids[CREDITS - 1]), FEWER);
        stream = pass(ids[CREDITS - 1], NULL, &far);
        lose_daemon();
        ask_to_keep(stream, "note", &keeping);
        kyron_iod.registrations_max = FEWER;
        come_back_and_join(true);
        id = expect_claim(1)->connection[0]->id;
        ck_assert_uint_lt(io_id_slot(id), FEWER);
        expect_kept(id, "note", &keeping);
        kyron_unix_stream_close(stream);
        close(far);
}
END_TEST

START_TEST(a_connection_that_is_not_claimed_cannot_be_kept)
{
        TestCall keeping;
        KyronUnixStream *stream;
        int far;

        join(true);
        stream = pass(ids[0], NULL, &far);
        lose_daemon();
        ask_to_keep(stream, "note", &keeping);
        kyron_endpoint_close(STEAL_PTR(endpoint));
        come_back_and_join(true);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_LEAVE);
        ck_assert(PROCESS_UNTIL(kyron_iod.handle, keeping.completions == 1));
        ck_assert_int_eq(keeping.result, -ESTALE);
        ck_assert_str_eq(keeping.text, "the daemon has no copy of this connection any more");
        kyron_unix_stream_close(stream);
        close(far);
}
END_TEST

START_TEST(what_is_accepted_after_the_outage_is_claimed_then)
{
        KyronUnixStream *stream;
        int ends[2];
        uint64_t id;

        join(true);
        id = ids[0];
        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, ends);
        scripted_daemon_send_connection(&kyron_iod, ENDPOINT, id, ends[1]);
        process(kyron_iod.handle, 0);
        lose_daemon();
        come_back_and_join(true);
        scripted_daemon_expect_nothing(&kyron_iod);
        test_call_init(&call);
        ck_assert_int_eq(kyron_endpoint_accept_unix(endpoint, &call.operation, &stream), 0);
        ck_assert_uint_eq(expect_claim(1)->connection[0]->id, id);
        kyron_unix_stream_close(stream);
        close(ends[0]);
}
END_TEST

START_TEST(what_was_closed_meanwhile_is_not_claimed)
{
        KyronUnixStream *streams[2];
        int far[2];
        uint64_t id;

        join(true);
        id = ids[1];
        for (int i = 0; i < 2; i++)
                streams[i] = pass(ids[i], NULL, &far[i]);
        lose_daemon();
        kyron_unix_stream_close(streams[0]);
        come_back_and_join(true);
        ck_assert_uint_eq(expect_claim(1)->connection[0]->id, id);
        kyron_unix_stream_close(streams[1]);
        close(far[0]);
        close(far[1]);
}
END_TEST

START_TEST(what_is_closed_before_it_was_claimed_is_told_to_be_gone)
{
        KyronUnixStream *stream;
        const Iod__AddIoSource *add;
        uint32_t sequence;
        uint64_t id;
        int far;

        join(true);
        id = ids[0];
        stream = pass(id, NULL, &far);
        lose_daemon();
        scripted_daemon_come_back(&kyron_iod, ++epoch);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE);
        sequence = expect_join();
        /* It has joined, and what that leads to waits for the end of the turn. */
        scripted_daemon_send_joined(&kyron_iod, sequence, NEXT_ENDPOINT, "unix:@app");
        pthread_mutex_lock(&kyron_iod.handle->lock);
        endpoint->number = NEXT_ENDPOINT;
        claim_all(endpoint);
        ck_assert(!TAILQ_EMPTY(&kyron_iod.handle->to_claim));
        pthread_mutex_unlock(&kyron_iod.handle->lock);
        kyron_unix_stream_close(stream);
        ck_assert(TAILQ_EMPTY(&kyron_iod.handle->to_claim));
        add = scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_ADD_IO_SOURCE)->add_io_source;
        ck_assert_uint_eq(add->gone[0], id);
        scripted_daemon_expect_nothing(&kyron_iod);
        close(far);
}
END_TEST

START_TEST(nothing_of_an_endpoint_that_was_closed_is_claimed)
{
        KyronUnixStream *stream;
        int far;

        join(true);
        stream = pass(ids[0], NULL, &far);
        lose_daemon();
        kyron_endpoint_close(STEAL_PTR(endpoint));
        come_back_and_join(true);
        scripted_daemon_expect(&kyron_iod, IOD__FRAME__BODY_LEAVE);
        scripted_daemon_expect_nothing(&kyron_iod);
        kyron_unix_stream_close(stream);
        close(far);
}
END_TEST

START_TEST(many_are_claimed_in_several_frames)
{
        enum { MANY = 130 };
        static KyronUnixStream *streams[MANY];
        static int far[MANY];
        uint64_t first, last;

        join(true);
        first = ids[0];
        last = ids[MANY - 1];
        for (int i = 0; i < MANY; i++)
                streams[i] = pass(ids[i], "note", &far[i]);
        lose_daemon();
        come_back_and_join(true);
        ck_assert_uint_eq(expect_claim(126)->connection[0]->id, first);
        ck_assert_uint_eq(kyron_iod.fds.count, 252);
        ck_assert_uint_eq(expect_claim(MANY - 126)->connection[MANY - 127]->id, last);
        for (int i = 0; i < MANY; i++) {
                kyron_unix_stream_close(streams[i]);
                close(far[i]);
        }
}
END_TEST

START_TEST(a_daemon_that_knows_no_claims_changes_nothing)
{
        KyronUnixStream *stream;
        int far;

        join(true);
        stream = pass(ids[0], NULL, &far);
        lose_daemon();
        come_back_and_join(true);
        expect_claim(1);
        scripted_daemon_send_refused(&kyron_iod, 0, EOPNOTSUPP, "unknown");
        scripted_daemon_expect_nothing(&kyron_iod);
        ck_assert_int_eq(kyron_io_driver_handle_served_by(kyron_iod.handle),
                         KYRON_SERVED_BY_DAEMON);
        kyron_unix_stream_close(stream);
        close(far);
}
END_TEST

TEST_SUITE(test_claim)
{
        TCase *tcase = tcase_create("claim");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, what_the_program_has_is_claimed_once_its_endpoint_has_joined);
        tcase_add_test(tcase, what_is_not_kept_is_claimed_without_its_descriptor);
        tcase_add_test(tcase, it_is_claimed_with_the_note_it_was_kept_with_last);
        tcase_add_test(tcase, a_keep_that_was_refused_is_not_asked_for_again);
        tcase_add_test(tcase, a_keep_that_is_asked_for_in_an_outage_comes_after_the_claim);
        tcase_add_test(tcase, until_then_it_is_nobody_elses);
        tcase_add_test(tcase, it_follows_a_connection_to_a_lower_slot);
        tcase_add_test(tcase, a_connection_that_is_not_claimed_cannot_be_kept);
        tcase_add_test(tcase, what_is_accepted_after_the_outage_is_claimed_then);
        tcase_add_test(tcase, what_was_closed_meanwhile_is_not_claimed);
        tcase_add_test(tcase, what_is_closed_before_it_was_claimed_is_told_to_be_gone);
        tcase_add_test(tcase, nothing_of_an_endpoint_that_was_closed_is_claimed);
        tcase_add_test(tcase, many_are_claimed_in_several_frames);
        tcase_add_test(tcase, a_daemon_that_knows_no_claims_changes_nothing);
        suite_add_tcase(suite, tcase);
}
