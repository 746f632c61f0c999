/*
 * daemon/handover_state: what the daemon owns is what the next program reads, its descriptors stay
 * open when they are to, and a state that is not understood is refused.
 */
#include "core/sealed_bytes.h"
#include "daemon/restart/handover_state.h"

#include "core/error.h"
#include "daemon/store/record.h"
#include "tests/support/memfd_note.h"
#include "tests/support/sharing_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

/* ---- written and read again ---- */

static State__State *make_and_read(void)
{
        State__State *state = NULL;
        int fd = handover_state_make(inner.daemon, NULL, NULL);

        ck_assert_msg(fd >= 0, "%s", error_text());
        ck_assert_msg(handover_state_read(fd, &state) == 0, "%s", error_text());
        close(fd);
        return state;
}

static const State__Owned *find(const State__State *state, State__Record__BodyCase body)
{
        for (size_t i = 0; i < state->n_owned; i++) {
                if (state->owned[i]->record->body_case == body)
                        return state->owned[i];
        }
        ck_abort_msg("nothing of kind %d is handed over", (int)body);
}

static void hold(const char *name, const int *fds)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Hold request = IOD__HOLD__INIT;

        request.name = (char *)name;
        request.note_size = 5;
        request.time_to_live_ms = 60000;
        frame.sequence = 2;
        frame.body_case = IOD__FRAME__BODY_HOLD;
        frame.hold = &request;
        service_send(&sharing.clients[0], &frame, fds, 2);
        scene_expect(0, IOD__FRAME__BODY_DONE);
}

START_TEST(what_is_owned_is_read_by_the_next_program)
{
        const State__Owned *listener, *held;
        State__State *state;
        int pair[2], note = memfd_note(5, NOTE_SEALS);

        unix_pair(SOCK_STREAM, pair);
        scene_join(0, 1, NULL);
        hold("web.1", (const int[]){pair[0], note});
        state = make_and_read();
        ck_assert_uint_eq(state->version, RECORD_VERSION);
        ck_assert_int_eq(state->socket->fd, inner.daemon->socket.fd);
        ck_assert_str_eq(state->socket->path, inner.daemon->socket.path);
        ck_assert_uint_eq(state->n_owned, 2);
        listener = find(state, STATE__RECORD__BODY_LISTENER);
        ck_assert_int_eq(listener->fd, scene_listener()->fd);
        ck_assert_int_eq(listener->note_fd, -1);
        ck_assert_uint_eq(listener->number, scene_listener()->group.number);
        ck_assert_str_eq(listener->record->listener->name, "web");
        held = find(state, STATE__RECORD__BODY_HOLD);
        ck_assert_str_eq(held->record->hold->name, "web.1");
        ck_assert_uint_eq(held->record->hold->note_size, 5);
        ck_assert_int_eq(fcntl(held->note_fd, F_GET_SEALS) & NOTE_SEALS, NOTE_SEALS);
        state__state__free_unpacked(state, NULL);
        close(pair[0]);
        close(pair[1]);
        close(note);
}
END_TEST

/* Who has what it was sent is served by it; what nobody got yet goes on. */
START_TEST(a_connection_nobody_got_is_handed_over_and_one_that_was_passed_is_not)
{
        Iod__ListenerOptions options = IOD__LISTENER_OPTIONS__INIT;
        const State__Owned *silent;
        State__State *state;
        int quiet, speaking, zero = 0;

        options.when_readable = true;
        scene_join(0, 2, &options);
        /* The daemon waits for first bytes itself from the beginning, not the kernel. */
        ck_assert_int_eq(setsockopt(scene_listener()->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &zero,
                                    sizeof(zero)),
                         0);
        quiet = scene_dial();
        speaking = scene_dial();
        ck_assert_int_eq(write(speaking, "x", 1), 1);
        scene_expect(0, IOD__FRAME__BODY_CONNECTIONS);
        state = make_and_read();
        ck_assert_uint_eq(state->n_owned, 2);
        silent = find(state, STATE__RECORD__BODY_CONNECTION);
        ck_assert_uint_eq(silent->record->connection->listener, scene_listener()->group.number);
        ck_assert(!silent->record->connection->again);
        ck_assert_int_eq(silent->fd, TAILQ_FIRST(&scene_listener()->group.silent)->fd);
        state__state__free_unpacked(state, NULL);
        close(quiet);
        close(speaking);
}
END_TEST

START_TEST(its_descriptors_stay_open_across_an_execution_only_when_they_are_to)
{
        State__State *state;
        int fds[2];

        scene_join(0, 1, NULL);
        state = make_and_read();
        fds[0] = state->socket->fd;
        fds[1] = find(state, STATE__RECORD__BODY_LISTENER)->fd;
        handover_state_inherit(state, true);
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(fcntl(fds[i], F_GETFD), 0);
        handover_state_inherit(state, false);
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
        state__state__free_unpacked(state, NULL);
}
END_TEST

/* ---- refused ---- */

/* A state as a program could have left it. */
typedef struct Written {
        State__State state;
        State__Socket socket;
        State__Owned owned, *pointer;
        State__Record record;
        State__Connection connection;
} Written;

static void write_state(Written *written)
{
        *written = (Written){
                .state = STATE__STATE__INIT,
                .socket = STATE__SOCKET__INIT,
                .owned = STATE__OWNED__INIT,
                .record = STATE__RECORD__INIT,
                .connection = STATE__CONNECTION__INIT,
        };
        written->record.version = RECORD_VERSION;
        written->record.body_case = STATE__RECORD__BODY_CONNECTION;
        written->record.connection = &written->connection;
        written->owned.number = 7;
        written->owned.fd = 12;
        written->owned.note_fd = -1;
        written->owned.record = &written->record;
        written->pointer = &written->owned;
        written->socket.fd = 11;
        written->state.version = RECORD_VERSION;
        written->state.socket = &written->socket;
        written->state.n_owned = 1;
        written->state.owned = &written->pointer;
}

static int read_bytes(const void *bytes, size_t size)
{
        State__State *state = NULL;
        int fd = sealed_bytes_new("a record", bytes, size);
        int r;

        ck_assert_int_ge(fd, 0);
        r = handover_state_read(fd, &state);
        close(fd);
        if (r == 0)
                state__state__free_unpacked(state, NULL);
        return r;
}

static int read_written(const Written *written)
{
        uint8_t bytes[512];

        ck_assert_uint_le(state__state__get_packed_size(&written->state), sizeof(bytes));
        return read_bytes(bytes, state__state__pack(&written->state, bytes));
}

static void be_of_another_version(Written *written)
{
        written->state.version = RECORD_VERSION + 1;
}

static void have_no_socket(Written *written)
{
        written->state.socket = NULL;
}

static void have_no_number_for_the_socket(Written *written)
{
        written->socket.fd = -1;
}

static void own_something_without_a_descriptor(Written *written)
{
        written->owned.fd = -1;
}

static void own_something_without_a_record(Written *written)
{
        written->owned.record = NULL;
}

static void have_a_record_of_another_version(Written *written)
{
        written->record.version = RECORD_VERSION + 1;
}

static void have_a_record_of_no_kind(Written *written)
{
        written->record.body_case = STATE__RECORD__BODY__NOT_SET;
}

static const struct {
        void (*spoil)(Written *written);
        const char *sentence;
} spoilt[] = {
        {be_of_another_version, "the state has version 2, and 1 is understood"},
        {have_no_socket, "the state has no listening socket"},
        {have_no_number_for_the_socket, "the state has no listening socket"},
        {own_something_without_a_descriptor, "what is number 7 in the state is not known"},
        {own_something_without_a_record, "what is number 7 in the state is not known"},
        {have_a_record_of_another_version, "what is number 7 in the state is not known"},
        {have_a_record_of_no_kind, "what is number 7 in the state is not known"},
};

START_TEST(a_state_that_is_not_understood_is_refused_with_the_reason)
{
        Written written;

        write_state(&written);
        ck_assert_msg(read_written(&written) == 0, "%s", error_text());
        spoilt[_i].spoil(&written);
        ck_assert_int_eq(read_written(&written), -EPROTO);
        ck_assert_str_eq(error_text(), spoilt[_i].sentence);
}
END_TEST

START_TEST(bytes_that_are_no_state_are_refused)
{
        State__State *state;
        int open_memfd = memfd_note(10, 0);

        ck_assert_int_eq(read_bytes("\xff", 1), -EPROTO);
        ck_assert_str_eq(error_text(), "the state cannot be decoded");
        ck_assert_int_eq(read_bytes("", 0), -EINVAL);
        /* Somebody could still change it. */
        ck_assert_int_eq(handover_state_read(open_memfd, &state), -EINVAL);
        close(open_memfd);
}
END_TEST

TEST_SUITE(test_handover_state)
{
        TCase *states = tcase_create("states");
        TCase *refusals = tcase_create("refusals");

        tcase_add_checked_fixture(states, sharing_scene_set_up, sharing_scene_tear_down);
        tcase_set_timeout(states, TEST_TIMEOUT_SECONDS);
        tcase_add_test(states, what_is_owned_is_read_by_the_next_program);
        tcase_add_test(states,
                       a_connection_nobody_got_is_handed_over_and_one_that_was_passed_is_not);
        tcase_add_test(states, its_descriptors_stay_open_across_an_execution_only_when_they_are_to);
        suite_add_tcase(suite, states);
        tcase_set_timeout(refusals, TEST_TIMEOUT_SECONDS);
        tcase_add_loop_test(refusals, a_state_that_is_not_understood_is_refused_with_the_reason, 0,
                            (int)(sizeof(spoilt) / sizeof(spoilt[0])));
        tcase_add_test(refusals, bytes_that_are_no_state_are_refused);
        suite_add_tcase(suite, refusals);
}
