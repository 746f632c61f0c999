/*
 * daemon/io_driver: the daemon keeps no client descriptor, each event reaches its registration
 * exactly, and every refusal leaves the session as it was.
 */
#include "core/error.h"
#include "daemon/driver/descriptor_kind.h"
#include "daemon/driver/io_driver.h"
#include "proto/frame_socket.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"
#include "tests/support/reconcile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { LIMIT = 8, RW = READINESS_READABLE | READINESS_WRITABLE };

static IoDriver driver;
static RegistrationSet set;
static Notifier notifier;
static uint32_t waiting;
static int client; /* the other end of the notifier's socket */
static FrameArena arena;
static uint8_t packet[FRAME_BYTES_MAX];

static void set_up(void)
{
        int pair[2];

        descriptor_kind_open();
        ck_assert_int_eq(io_driver_open(&driver), 0);
        unix_pair(SOCK_SEQPACKET | SOCK_NONBLOCK, pair);
        client = pair[1];
        notifier_init(&notifier, pair[0], &waiting);
        frame_arena_init(&arena);
        registration_set_init(&set, LIMIT);
        ck_assert_int_eq(selector_open(&set.selector), 0);
}

static void tear_down(void)
{
        notifier_deinit(&notifier);
        registration_set_deinit(&set);
        io_driver_close(&driver);
        descriptor_kind_close();
}

/* As a packet with one source: what came is closed after the batch. */
static int add(uint32_t slot, uint32_t generation, int borrow_fd, Readiness interest)
{
        int received = fcntl(borrow_fd, F_DUPFD_CLOEXEC, 0);
        int r = io_driver_add_io_source(&driver, &set, received, io_id_make(slot, generation),
                                        interest);

        io_driver_end_batch(&driver);
        close(received);
        return r;
}

static int remove_source(uint32_t slot, uint32_t generation, int borrow_fd)
{
        int received = fcntl(borrow_fd, F_DUPFD_CLOEXEC, 0);
        int r = io_driver_remove_io_source(&driver, &set, received, io_id_make(slot, generation));

        io_driver_end_batch(&driver);
        close(received);
        return r;
}

/* One turn; how many were told. */
static int turn(void)
{
        int notified;
        int told = io_driver_process_io(&driver, &set, &notifier, &notified);

        ck_assert_int_ge(told, 0);
        ck_assert_int_eq(notified, 0);
        return told;
}

static const Iod__Readiness *next_frame(void)
{
        FdList fds = {.count = 0};
        Iod__Frame *frame;
        int size = frame_socket_receive(client, packet, sizeof(packet), &fds);

        ck_assert_int_gt(size, 0);
        ck_assert_int_eq(frame_decode(&arena, packet, (size_t)size, 0, &frame), 0);
        ck_assert_int_eq(frame->body_case, IOD__FRAME__BODY_READINESS);
        return frame->readiness;
}

/* A turn that tells exactly one event. */
static void expect_one(uint32_t slot, uint32_t generation, Readiness readiness)
{
        const Iod__Readiness *frame;

        ck_assert_int_eq(turn(), 1);
        frame = next_frame();
        ck_assert_uint_eq(frame->n_event, 1);
        ck_assert_uint_eq(frame->event[0], io_id_pack(io_id_make(slot, generation), readiness));
}

/* ---- the scratch number ---- */

START_TEST(the_scratch_number_is_the_highest_and_never_free)
{
        struct rlimit limit;

        getrlimit(RLIMIT_NOFILE, &limit);
        ck_assert_int_eq(driver.scratch_fd, (int)limit.rlim_cur - 1);
        ck_assert_int_eq(fcntl(driver.scratch_fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(the_daemon_keeps_no_client_descriptor)
{
        /* Invariant 1. */
        size_t before;
        int pipe[2], pair[2];

        pipe_pair(pipe);
        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pair);
        before = count_descriptors();
        ck_assert_int_eq(add(0, 1, pipe[0], READINESS_READABLE), 0);
        ck_assert_int_eq(add(1, 1, pair[0], READINESS_READABLE), 0);
        ck_assert_int_eq(count_descriptors(), before);
        /* The client's close() is the deregistration, and its peer learns of it at once. */
        close(pair[0]);
        ck_assert_int_eq(read(pair[1], &(char){0}, 1), 0);
        put_byte(pipe[1]);
        expect_one(0, 1, READINESS_READABLE);
        close(pipe[0]);
        ck_assert_int_eq(reconcile(&set), 0);
        ck_assert_uint_eq(set.count, 0);
}
END_TEST

START_TEST(one_number_serves_every_registration_of_a_batch)
{
        int pipes[LIMIT][2];

        for (uint32_t i = 0; i < LIMIT; i++) {
                pipe_pair(pipes[i]);
                ck_assert_int_eq(io_driver_add_io_source(&driver, &set, pipes[i][0],
                                                         io_id_make(i, i + 1), READINESS_READABLE),
                                 0);
        }
        io_driver_end_batch(&driver);
        for (uint32_t i = LIMIT; i-- > 0;) {
                put_byte(pipes[i][1]);
                expect_one(i, i + 1, READINESS_READABLE);
        }
        ck_assert_uint_eq(driver.registrations, LIMIT);
}
END_TEST

START_TEST(after_a_batch_no_file_is_left_on_the_scratch_number)
{
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(add(0, 1, pipe[1], READINESS_WRITABLE), 0);
        close(pipe[1]);
        ck_assert_int_eq(read(pipe[0], &(char){0}, 1), 0);
        ck_assert_int_ge(fcntl(driver.scratch_fd, F_GETFD), 0);
}
END_TEST

START_TEST(closing_the_driver_leaves_no_descriptor)
{
        IoDriver other;
        size_t before;

        io_driver_close(&driver);
        before = count_descriptors();
        ck_assert_int_eq(io_driver_open(&other), 0);
        ck_assert_uint_eq(count_descriptors(), before + 3);
        io_driver_close(&other);
        io_driver_close(&other);
        ck_assert_uint_eq(count_descriptors(), before);
        ck_assert_int_eq(io_driver_open(&driver), 0);
}
END_TEST

/* ---- registering ---- */

START_TEST(what_is_ready_already_is_told)
{
        int pipe[2];

        pipe_pair(pipe);
        put_byte(pipe[1]);
        ck_assert_int_eq(add(0, 1, pipe[0], READINESS_READABLE), 0);
        expect_one(0, 1, READINESS_READABLE);
        ck_assert_int_eq(turn(), 0);
}
END_TEST

START_TEST(the_same_file_twice_is_eexist_and_the_first_goes_on)
{
        int pipe[2];
        int copy;

        pipe_pair(pipe);
        copy = dup(pipe[0]);
        ck_assert_int_eq(add(0, 1, pipe[0], READINESS_READABLE), 0);
        ck_assert_int_eq(add(1, 1, copy, READINESS_READABLE), -EEXIST);
        ck_assert_str_eq(error_text(),
                         "this file is registered in this session already, perhaps by dup()");
        ck_assert_uint_eq(set.count, 1);
        put_byte(pipe[1]);
        expect_one(0, 1, READINESS_READABLE);
}
END_TEST

START_TEST(a_known_id_with_its_own_file_gets_the_new_interest)
{
        int pair[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pair);
        ck_assert_int_eq(add(0, 1, pair[0], READINESS_READABLE), 0);
        ck_assert_int_eq(turn(), 0);
        ck_assert_int_eq(add(0, 1, pair[0], RW), 0);
        expect_one(0, 1, READINESS_WRITABLE);
        ck_assert_uint_eq(registration_set_recreate(&set, io_id_make(0, 1))->interest, RW);
        ck_assert_uint_eq(set.count, 1);
        ck_assert_uint_eq(set.watches, 1);
}
END_TEST

START_TEST(a_known_id_with_another_file_is_stale)
{
        int first[2], second[2];

        pipe_pair(first);
        pipe_pair(second);
        ck_assert_int_eq(add(5, 1, first[0], READINESS_READABLE), 0);
        ck_assert_int_eq(add(5, 1, second[0], READINESS_READABLE), -ESTALE);
        ck_assert_str_eq(error_text(), "slot 5 is registered for another file");
        put_byte(second[1]);
        ck_assert_int_eq(turn(), 0);
        put_byte(first[1]);
        expect_one(5, 1, READINESS_READABLE);
}
END_TEST

START_TEST(events_of_an_older_generation_are_not_told)
{
        int old[2], new[2];

        pipe_pair(old);
        pipe_pair(new);
        ck_assert_int_eq(add(0, 1, old[0], READINESS_READABLE), 0);
        ck_assert_int_eq(add(0, 2, new[0], READINESS_READABLE), 0);
        put_byte(old[1]);
        ck_assert_int_eq(turn(), 0);
        put_byte(new[1]);
        expect_one(0, 2, READINESS_READABLE);
}
END_TEST

static const Readiness bad_interests[] = {0, READINESS_ERROR, READINESS_READ_CLOSED,
                                          READINESS_READABLE | READINESS_WRITE_CLOSED,
                                          READINESS_READABLE | 1 << 15};

START_TEST(an_interest_is_made_of_what_can_be_asked_for)
{
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(add(0, 1, pipe[0], bad_interests[_i]), -EINVAL);
        ck_assert_uint_eq(set.count, 0);
        /* The id is as good as before. */
        ck_assert_int_eq(add(0, 1, pipe[0], READINESS_READABLE), 0);
}
END_TEST

START_TEST(a_refused_file_changes_nothing)
{
        int file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
        int path = open("/etc/passwd", O_PATH | O_CLOEXEC);
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(add(0, 1, pipe[0], READINESS_READABLE), 0);
        ck_assert_int_eq(add(0, 2, file, READINESS_READABLE), -EPERM);
        ck_assert_int_eq(add(0, 2, path, READINESS_READABLE), -EBADF);
        ck_assert_int_eq(add(0, 2, null, READINESS_READABLE), -EOPNOTSUPP);
        ck_assert_int_eq(add(LIMIT, 1, pipe[1], READINESS_WRITABLE), -EDQUOT);
        ck_assert_int_eq(add(1, 0, pipe[1], READINESS_WRITABLE), -EINVAL);
        ck_assert_uint_eq(set.count, 1);
        put_byte(pipe[1]);
        expect_one(0, 1, READINESS_READABLE);
}
END_TEST

/* An O_PATH descriptor of what borrow_fd is. */
static int path_of(int borrow_fd)
{
        char path[64];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", borrow_fd);
        return open(path, O_PATH | O_CLOEXEC);
}

START_TEST(what_is_only_a_path_is_refused)
{
        int event = eventfd(0, EFD_CLOEXEC);
        int pipe[2];

        pipe_pair(pipe);
        ck_assert_int_eq(add(0, 1, path_of(event), READINESS_READABLE), -EBADF);
        ck_assert_str_eq(error_text(), "an O_PATH descriptor cannot be waited for: open the file");
        ck_assert_int_eq(add(0, 1, path_of(pipe[0]), READINESS_READABLE), -EBADF);
        ck_assert_uint_eq(set.count, 0);
        ck_assert_uint_eq(set.watches, 0);
        ck_assert_int_eq(add(0, 1, event, READINESS_READABLE), 0);
}
END_TEST

START_TEST(anonymous_files_are_told_apart_on_the_scratch_number)
{
        sigset_t none;

        sigemptyset(&none);
        ck_assert_int_eq(add(0, 1, eventfd(0, EFD_CLOEXEC), READINESS_READABLE), 0);
        ck_assert_int_eq(add(1, 1, signalfd(-1, &none, SFD_CLOEXEC), READINESS_READABLE),
                         -EOPNOTSUPP);
        ck_assert_int_eq(
                add(1, 1, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), READINESS_READABLE), 0);
        ck_assert_uint_eq(registration_set_recreate(&set, io_id_make(0, 1))->kind,
                          DESCRIPTOR_KIND_EVENTFD);
        ck_assert_uint_eq(registration_set_recreate(&set, io_id_make(1, 1))->kind,
                          DESCRIPTOR_KIND_TIMERFD);
        ck_assert_uint_eq(set.count, 2);
}
END_TEST

START_TEST(without_proc_only_anonymous_files_are_refused)
{
        int pipe[2];

        pipe_pair(pipe);
        io_driver_close(&driver);
        descriptor_kind_close();
        ck_assert_int_eq(io_driver_open(&driver), 0);
        ck_assert_int_eq(add(0, 1, eventfd(0, EFD_CLOEXEC), READINESS_READABLE), -EOPNOTSUPP);
        ck_assert_int_eq(add(0, 1, pipe[0], READINESS_READABLE), 0);
}
END_TEST

START_TEST(epoll_sets_are_refused)
{
        Selector other = SELECTOR_INIT;

        ck_assert_int_eq(selector_open(&other), 0);
        ck_assert_int_eq(add(0, 1, other.epoll_fd, READINESS_READABLE), -EOPNOTSUPP);
        ck_assert_uint_eq(set.count, 0);
        selector_close(&other);
}
END_TEST

/* ---- ending ---- */

START_TEST(a_removed_registration_is_silent_while_its_file_stays_open)
{
        int pipe[2];
        int copy;

        pipe_pair(pipe);
        copy = dup(pipe[0]);
        ck_assert_int_eq(add(0, 1, pipe[0], READINESS_READABLE), 0);
        /* Any descriptor of the same open file will do. */
        ck_assert_int_eq(remove_source(0, 1, copy), 0);
        put_byte(pipe[1]);
        ck_assert_int_eq(turn(), 0);
        ck_assert_uint_eq(set.count, 0);
        ck_assert_uint_eq(set.watches, 0);
        ck_assert_int_eq(add(0, 2, pipe[0], READINESS_READABLE), 0);
        expect_one(0, 2, READINESS_READABLE);
}
END_TEST

START_TEST(only_what_is_registered_can_be_removed)
{
        int pipe[2], other[2];

        pipe_pair(pipe);
        pipe_pair(other);
        ck_assert_int_eq(add(0, 2, pipe[0], READINESS_READABLE), 0);
        ck_assert_int_eq(remove_source(0, 1, pipe[0]), -ESTALE);
        ck_assert_str_eq(error_text(), "slot 0 generation 1 is not registered");
        ck_assert_int_eq(remove_source(1, 1, pipe[0]), -ESTALE);
        ck_assert_int_eq(remove_source(0, 2, other[0]), -ENOENT);
        ck_assert_str_eq(error_text(), "the descriptor sent along is not the registered file");
        put_byte(pipe[1]);
        expect_one(0, 2, READINESS_READABLE);
}
END_TEST

/* ---- a turn ---- */

START_TEST(what_happens_between_turns_is_told_as_one)
{
        int pair[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pair);
        ck_assert_int_eq(add(0, 1, pair[0], READINESS_READABLE), 0);
        put_byte(pair[1]);
        put_byte(pair[1]);
        close(pair[1]);
        expect_one(0, 1, READINESS_READABLE | READINESS_READ_CLOSED | READINESS_WRITE_CLOSED);
        ck_assert_int_eq(turn(), 0);
        ck_assert_uint_eq(driver.events, 1);
        ck_assert_uint_eq(driver.frames, 1);
        ck_assert_uint_eq(registration_set_recreate(&set, io_id_make(0, 1))->tick, 1);
}
END_TEST

START_TEST(many_events_go_in_one_frame)
{
        int pipes[LIMIT][2];
        const Iod__Readiness *frame;
        uint32_t seen = 0;

        for (uint32_t i = 0; i < LIMIT; i++) {
                pipe_pair(pipes[i]);
                ck_assert_int_eq(add(i, 1, pipes[i][1], READINESS_WRITABLE), 0);
        }
        ck_assert_int_eq(turn(), LIMIT);
        frame = next_frame();
        ck_assert_uint_eq(frame->n_event, LIMIT);
        for (size_t i = 0; i < LIMIT; i++)
                seen |= 1u << io_id_slot(io_id_unpack(frame->event[i]));
        ck_assert_uint_eq(seen, (1u << LIMIT) - 1);
        ck_assert_uint_eq(driver.frames, 1);
        ck_assert_uint_eq(driver.events, LIMIT);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_kept_one_frame)
{
        int pipe[2], full[2];
        int notified, told;

        pipe_pair(pipe);
        ck_assert_int_eq(add(0, 1, pipe[0], READINESS_READABLE), 0);
        unix_pair(SOCK_SEQPACKET | SOCK_NONBLOCK, full);
        while (write(full[0], "x", 1) == 1)
                ;
        notifier_init(&notifier, full[0], &waiting);
        put_byte(pipe[1]);
        told = io_driver_process_io(&driver, &set, &notifier, &notified);
        ck_assert_int_eq(told, 1);
        ck_assert_int_eq(notified, NOTIFIER_WAITING);
        ck_assert(notifier_is_waiting(&notifier));
}
END_TEST

START_TEST(a_client_that_is_gone_is_an_error)
{
        int pipe[2], notified;

        pipe_pair(pipe);
        ck_assert_int_eq(add(0, 1, pipe[0], READINESS_READABLE), 0);
        put_byte(pipe[1]);
        close(client);
        ck_assert_int_eq(io_driver_process_io(&driver, &set, &notifier, &notified), -EPIPE);
}
END_TEST

/* ---- cleaning up ---- */

/* As the session's events do. */
static void clean_up(void)
{
        if (io_driver_is_cleanup_due(&set))
                ASSERT_IN_LOOP(reconcile(&set) == 0);
}

START_TEST(connections_may_come_and_go_without_a_word)
{
        /* Faster than the clock, and far more than the limit. */
        for (uint32_t i = 1; i <= 1000 * LIMIT; i++) {
                int pipe[2];

                pipe_pair(pipe);
                clean_up();
                ck_assert_msg(add(i % LIMIT, i, pipe[0], READINESS_READABLE) == 0, "%u: %s", i,
                              error_text());
                put_byte(pipe[1]);
                expect_one(i % LIMIT, i, READINESS_READABLE);
                close(pipe[0]);
                close(pipe[1]);
        }
        ck_assert_uint_le(set.watches, 2 * LIMIT + IO_DRIVER_CLOSING_MAX);
}
END_TEST

START_TEST(files_given_up_but_open_are_bounded)
{
        /* A slot used anew for other files while the old ones stay in the kernel's list. */
        enum { WATCHES_MAX = 2 * LIMIT + IO_DRIVER_CLOSING_MAX };
        int files[WATCHES_MAX + 1];

        for (uint32_t i = 0; i <= WATCHES_MAX; i++)
                ck_assert_int_ge(files[i] = eventfd(0, EFD_CLOEXEC), 0);
        for (uint32_t i = 0; i < WATCHES_MAX; i++)
                ck_assert_int_eq(add(0, i + 1, files[i], READINESS_READABLE), 0);
        ck_assert_int_eq(add(0, 1000, files[WATCHES_MAX], READINESS_READABLE), -EDQUOT);
        ck_assert(registration_set_recreate(&set, io_id_make(0, WATCHES_MAX)));
        /* Closing them is the way out, as soon as the kernel is asked again. */
        for (uint32_t i = 0; i < WATCHES_MAX - 1; i++)
                close(files[i]);
        ck_assert(io_driver_is_cleanup_due(&set));
        ck_assert(io_driver_stays_crowded(&set));
        clean_up();
        ck_assert(!io_driver_is_cleanup_due(&set));
        ck_assert(!io_driver_stays_crowded(&set));
        ck_assert_int_eq(add(0, 1000, files[WATCHES_MAX], READINESS_READABLE), 0);
}
END_TEST

/* ---- what is not watched ---- */

static int note(uint32_t slot, uint32_t generation)
{
        return io_driver_note_io_source(&set, io_id_make(slot, generation),
                                        DESCRIPTOR_KIND_UNIX_STREAM);
}

START_TEST(what_is_noted_is_watched_once_its_file_comes)
{
        int pair[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pair);
        put_byte(pair[1]);
        ck_assert_int_eq(note(3, 2), 0);
        ck_assert_uint_eq(set.count, 1);
        ck_assert_uint_eq(set.watches, 0);
        ck_assert_int_eq(turn(), 0);
        ck_assert_int_eq(add(3, 2, pair[0], READINESS_READABLE), 0);
        ck_assert_uint_eq(set.count, 1);
        ck_assert_uint_eq(set.watches, 1);
        expect_one(3, 2, READINESS_READABLE);
        /* From now on it is one like any. */
        ck_assert_int_eq(add(3, 2, pair[1], READINESS_READABLE), -ESTALE);
        ck_assert_int_eq(add(3, 2, pair[0], RW), 0);
        ck_assert_uint_eq(set.watches, 1);
        expect_one(3, 2, RW);
        close(pair[0]);
        ck_assert_int_eq(reconcile(&set), 0);
        ck_assert_uint_eq(set.count, 0);
}
END_TEST

START_TEST(a_file_of_another_kind_is_not_what_was_noted)
{
        int pair[2], pipe[2];

        pipe_pair(pipe);
        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pair);
        ck_assert_int_eq(note(3, 2), 0);
        ck_assert_int_eq(add(3, 2, pipe[0], READINESS_READABLE), -ESTALE);
        ck_assert_str_eq(error_text(), "slot 3 is registered for another file");
        ck_assert_int_eq(add(3, 1, pair[0], READINESS_READABLE), -ESTALE);
        ck_assert_uint_eq(set.watches, 0);
        ck_assert_int_eq(add(3, 2, pair[0], READINESS_READABLE), 0);
}
END_TEST

START_TEST(the_file_of_one_that_was_watched_is_known)
{
        RegistrationOwner owner = {.forgotten = NULL};
        int pairs[2][2];
        uint32_t slot = 0;

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pairs[0]);
        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pairs[1]);
        ck_assert_int_eq(add(3, 2, pairs[0][0], READINESS_READABLE), 0);
        registration_set_recreate(&set, io_id_make(3, 2))->owner = &owner;
        selector_close(&set.selector);
        ck_assert_int_eq(selector_open(&set.selector), 0);
        set.watches = 0;
        ck_assert(registration_set_watch_no_more(&set, &slot, LIMIT));
        ck_assert_int_eq(add(3, 2, pairs[1][0], READINESS_READABLE), -ESTALE);
        ck_assert_int_eq(add(3, 2, pairs[0][0], READINESS_READABLE), 0);
        put_byte(pairs[0][1]);
        expect_one(3, 2, READINESS_READABLE);
        registration_set_recreate(&set, io_id_make(3, 2))->owner = NULL;
}
END_TEST

START_TEST(what_is_not_watched_may_be_removed_and_withdrawn)
{
        int pair[2];

        unix_pair(SOCK_STREAM | SOCK_NONBLOCK, pair);
        ck_assert_int_eq(note(3, 2), 0);
        ck_assert_int_eq(note(3, 2), -ESTALE);
        ck_assert_int_eq(note(LIMIT, 1), -EDQUOT);
        ck_assert_int_eq(remove_source(3, 2, pair[0]), 0);
        ck_assert_uint_eq(set.count, 0);
        ck_assert_int_eq(note(3, 2), 0);
        io_driver_withdraw_io_source(&driver, &set, pair[0], io_id_make(3, 2));
        ck_assert_uint_eq(set.count, 0);
        ck_assert_uint_eq(set.watches, 0);
        ck_assert_int_eq(note(3, 2), 0);
}
END_TEST

TEST_SUITE(test_io_driver)
{
        TCase *sources = tcase_create("sources");
        TCase *turns = tcase_create("turns");

        tcase_add_checked_fixture(sources, set_up, tear_down);
        tcase_add_test(sources, the_scratch_number_is_the_highest_and_never_free);
        tcase_add_test(sources, the_daemon_keeps_no_client_descriptor);
        tcase_add_test(sources, one_number_serves_every_registration_of_a_batch);
        tcase_add_test(sources, after_a_batch_no_file_is_left_on_the_scratch_number);
        tcase_add_test(sources, closing_the_driver_leaves_no_descriptor);
        tcase_add_test(sources, what_is_ready_already_is_told);
        tcase_add_test(sources, the_same_file_twice_is_eexist_and_the_first_goes_on);
        tcase_add_test(sources, a_known_id_with_its_own_file_gets_the_new_interest);
        tcase_add_test(sources, a_known_id_with_another_file_is_stale);
        tcase_add_test(sources, events_of_an_older_generation_are_not_told);
        tcase_add_loop_test(sources, an_interest_is_made_of_what_can_be_asked_for, 0,
                            (int)(sizeof(bad_interests) / sizeof(bad_interests[0])));
        tcase_add_test(sources, a_refused_file_changes_nothing);
        tcase_add_test(sources, what_is_only_a_path_is_refused);
        tcase_add_test(sources, anonymous_files_are_told_apart_on_the_scratch_number);
        tcase_add_test(sources, without_proc_only_anonymous_files_are_refused);
        tcase_add_test(sources, epoll_sets_are_refused);
        tcase_add_test(sources, a_removed_registration_is_silent_while_its_file_stays_open);
        tcase_add_test(sources, only_what_is_registered_can_be_removed);
        tcase_add_test(sources, what_is_noted_is_watched_once_its_file_comes);
        tcase_add_test(sources, a_file_of_another_kind_is_not_what_was_noted);
        tcase_add_test(sources, the_file_of_one_that_was_watched_is_known);
        tcase_add_test(sources, what_is_not_watched_may_be_removed_and_withdrawn);
        tcase_set_timeout(sources, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, sources);

        tcase_add_checked_fixture(turns, set_up, tear_down);
        tcase_add_test(turns, what_happens_between_turns_is_told_as_one);
        tcase_add_test(turns, many_events_go_in_one_frame);
        tcase_add_test(turns, a_client_that_does_not_read_is_kept_one_frame);
        tcase_add_test(turns, a_client_that_is_gone_is_an_error);
        tcase_add_test(turns, connections_may_come_and_go_without_a_word);
        tcase_add_test(turns, files_given_up_but_open_are_bounded);
        tcase_set_timeout(turns, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, turns);
}
