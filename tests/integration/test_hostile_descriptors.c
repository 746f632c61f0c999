/*
 * Descriptors and ids that a client may not send, each with the daemon's errno and sentence; the
 * session goes on. See tests/support/hostile_scene.h for what holds at the end of every test here.
 */
#include "core/cleanup.h"
#include "core/readiness.h"
#include "tests/support/fixture.h"
#include "tests/support/hostile_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void set_up(void)
{
        hostile_scene_set_up();
        raw_client_open(&scene.client, scene.daemon.socket_path);
}

static void add(uint32_t slot, uint32_t generation, uint16_t interest, int borrow_fd)
{
        uint64_t source = raw_source(slot, generation, interest);

        raw_client_add(&scene.client, 7, &source, &borrow_fd, 1);
}

static void remove_again(uint32_t slot, uint32_t generation, int borrow_fd)
{
        uint64_t source = raw_source(slot, generation, 0);

        raw_client_remove(&scene.client, 8, &source, &borrow_fd, 1);
}

static void expect_registrations(uint64_t count)
{
        ck_assert_uint_eq(raw_client_status(&scene.client)->registrations, 1 + count);
}

/* ---- kinds ---- */

static int open_memfd(void)
{
        return memfd_create("hostile", MFD_CLOEXEC);
}

static int open_regular(void)
{
        return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int open_directory(void)
{
        return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_null(void)
{
        return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int open_path(void)
{
        return open("/proc/self/exe", O_PATH | O_CLOEXEC);
}

static int open_signalfd(void)
{
        sigset_t none;

        sigemptyset(&none);
        return signalfd(-1, &none, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_userfaultfd(void)
{
        enum { USER_MODE_ONLY = 1 };

        return (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | USER_MODE_ONLY);
}

static int open_epoll(void)
{
        return epoll_create1(EPOLL_CLOEXEC);
}

static int open_vsock(void)
{
        return socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int open_fanotify(void)
{
        return fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_FID,
                             O_RDONLY);
}

#define ALWAYS_READY   "is always ready: use it without waiting"
#define IN_THE_PROGRAM ": wait in the program itself"

static const struct {
        const char *name;
        int (*open)(void);
        int error;
        const char *text;
} refused_kinds[] = {
        {"a regular file", open_regular, EPERM, "a regular file " ALWAYS_READY},
        {"a memfd", open_memfd, EPERM, "a regular file " ALWAYS_READY},
        {"a directory", open_directory, EPERM, "a directory " ALWAYS_READY},
        {"/dev/null", open_null, EOPNOTSUPP, "the daemon does not wait for devices" IN_THE_PROGRAM},
        {"an O_PATH descriptor", open_path, EBADF,
         "an O_PATH descriptor cannot be waited for: open the file"},
        {"a signalfd", open_signalfd, EOPNOTSUPP,
         "the daemon does not wait for anon_inode:[signalfd]" IN_THE_PROGRAM},
        {"a userfaultfd", open_userfaultfd, EOPNOTSUPP,
         "the daemon does not wait for anon_inode:[userfaultfd]" IN_THE_PROGRAM},
        /* It would let the daemon wait for whatever is put into it later, unseen. */
        {"an epoll set", open_epoll, EOPNOTSUPP,
         "the daemon does not wait for anon_inode:[eventpoll]" IN_THE_PROGRAM},
        {"a vsock socket", open_vsock, EOPNOTSUPP,
         "the daemon does not wait for sockets of family 40" IN_THE_PROGRAM},
        {"a fanotify group", open_fanotify, EOPNOTSUPP,
         "the daemon does not wait for anon_inode:[fanotify]" IN_THE_PROGRAM},
};

START_TEST(a_kind_that_cannot_be_waited_for_is_refused)
{
        CLEANUP(cleanup_close) int fd = refused_kinds[_i].open();

        if (fd < 0) {
                report_skipped(__func__, "%s: %s", refused_kinds[_i].name, strerror(errno));
                return;
        }
        add(0, 1, READINESS_READABLE, fd);
        raw_client_expect_source_refused(&scene.client, 7, raw_source(0, 1, 0),
                                         refused_kinds[_i].error, "%s", refused_kinds[_i].text);
        expect_registrations(0);
}
END_TEST

START_TEST(what_is_refused_does_not_take_the_rest_of_its_packet_along)
{
        uint64_t sources[] = {raw_source(0, 1, READINESS_READABLE),
                              raw_source(1, 1, READINESS_READABLE),
                              raw_source(2, 1, READINESS_READABLE)};
        int fds[] = {open_eventfd(), open_directory(), open_eventfd()};

        raw_client_add(&scene.client, 7, sources, fds, 3);
        raw_client_expect_source_refused(&scene.client, 7, sources[1], EPERM,
                                         "a directory " ALWAYS_READY);
        expect_registrations(2);
        for (int i = 0; i < 3; i++)
                close(fds[i]);
}
END_TEST

/* ---- the same file again ---- */

static void expect_duplicate(uint32_t slot)
{
        raw_client_expect_source_refused(
                &scene.client, 7, raw_source(slot, 1, 0), EEXIST,
                "this file is registered in this session already, perhaps by dup()");
}

START_TEST(a_descriptor_that_comes_twice_in_a_packet_is_registered_once)
{
        uint64_t sources[] = {raw_source(0, 1, READINESS_READABLE),
                              raw_source(1, 1, READINESS_READABLE)};
        CLEANUP(cleanup_close) int fd = open_eventfd();

        raw_client_add(&scene.client, 7, sources, (int[]){fd, fd}, 2);
        expect_duplicate(1);
        expect_registrations(1);
}
END_TEST

START_TEST(a_duplicate_of_a_registered_descriptor_is_refused)
{
        CLEANUP(cleanup_close) int fd = open_eventfd();
        CLEANUP(cleanup_close) int duplicate = dup(fd);

        add(0, 1, READINESS_READABLE, fd);
        add(1, 1, READINESS_WRITABLE, duplicate);
        expect_duplicate(1);
        expect_registrations(1);
}
END_TEST

START_TEST(another_session_may_register_the_same_file)
{
        add(0, 1, READINESS_READABLE, scene.neighbour_fd);
        expect_registrations(1);
        remove_again(0, 1, scene.neighbour_fd);
        expect_registrations(0);
}
END_TEST

/* ---- ids ---- */

START_TEST(an_older_generation_is_stale)
{
        CLEANUP(cleanup_close) int fd = open_eventfd();
        CLEANUP(cleanup_close) int other = open_eventfd();

        add(3, 2, READINESS_READABLE, fd);
        add(3, 1, READINESS_READABLE, other);
        raw_client_expect_source_refused(&scene.client, 7, raw_source(3, 1, 0), ESTALE,
                                         "slot 3 generation 1 is stale: the slot has come to 2");
        expect_registrations(1);
}
END_TEST

/* It is its client that would take the old one's readiness for the new one's. */
START_TEST(an_id_that_was_removed_is_forgotten)
{
        CLEANUP(cleanup_close) int fd = open_eventfd();

        for (int i = 0; i < 3; i++) {
                add(3, 1, READINESS_READABLE, fd);
                expect_registrations(1);
                remove_again(3, 1, fd);
                expect_registrations(0);
        }
}
END_TEST

START_TEST(what_was_refused_can_be_tried_again_under_its_id)
{
        CLEANUP(cleanup_close) int fd = open_eventfd();
        CLEANUP(cleanup_close) int duplicate = dup(fd);
        CLEANUP(cleanup_close) int other = open_eventfd();

        add(0, 1, READINESS_READABLE, fd);
        add(1, 1, READINESS_READABLE, duplicate);
        expect_duplicate(1);
        add(1, 1, READINESS_READABLE, other);
        expect_registrations(2);
}
END_TEST

START_TEST(a_refused_file_does_not_end_the_registration_whose_slot_it_wanted)
{
        CLEANUP(cleanup_close) int fd = open_eventfd();
        CLEANUP(cleanup_close) int other = open_eventfd();
        uint64_t source = raw_source(1, 2, READINESS_READABLE);

        add(0, 1, READINESS_READABLE, fd);
        add(1, 1, READINESS_READABLE, other);
        raw_client_add(&scene.client, 7, &source, &fd, 1);
        raw_client_expect_source_refused(
                &scene.client, 7, source, EEXIST,
                "this file is registered in this session already, perhaps by dup()");
        expect_registrations(2);
}
END_TEST

START_TEST(generations_start_at_1)
{
        CLEANUP(cleanup_close) int fd = open_eventfd();

        add(3, 0, READINESS_READABLE, fd);
        raw_client_expect_source_refused(&scene.client, 7, raw_source(3, 0, 0), EINVAL,
                                         "slot 3 came with generation 0: generations start at 1");
}
END_TEST

START_TEST(an_id_that_is_not_registered_cannot_be_removed)
{
        static const struct {
                uint32_t slot, generation;
        } ids[] = {{0, 1}, {3, 1}, {3, 3}, {3, 0}, {16777215, 1}};
        CLEANUP(cleanup_close) int fd = open_eventfd();

        add(3, 2, READINESS_READABLE, fd);
        remove_again(ids[_i].slot, ids[_i].generation, fd);
        raw_client_expect_source_refused(
                &scene.client, 8, raw_source(ids[_i].slot, ids[_i].generation, 0), ESTALE,
                "slot %u generation %u is not registered", ids[_i].slot, ids[_i].generation);
        expect_registrations(1);
}
END_TEST

START_TEST(a_registration_is_removed_by_its_own_file_only)
{
        CLEANUP(cleanup_close) int fd = open_eventfd();
        CLEANUP(cleanup_close) int other = open_eventfd();

        add(0, 1, READINESS_READABLE, fd);
        remove_again(0, 1, other);
        raw_client_expect_source_refused(&scene.client, 8, raw_source(0, 1, 0), ENOENT,
                                         "the descriptor sent along is not the registered file");
        expect_registrations(1);
}
END_TEST

START_TEST(interest_is_changed_by_its_own_file_only)
{
        CLEANUP(cleanup_close) int fd = open_eventfd();
        CLEANUP(cleanup_close) int other = open_eventfd();

        add(3, 1, READINESS_READABLE, fd);
        add(3, 1, READINESS_WRITABLE, other);
        raw_client_expect_source_refused(&scene.client, 7, raw_source(3, 1, 0), ESTALE,
                                         "slot 3 is registered for another file");
        expect_registrations(1);
}
END_TEST

START_TEST(a_registrations_id_does_not_reach_another_registrations_file)
{
        int ends[2][2];
        uint64_t sources[2];

        for (int i = 0; i < 2; i++) {
                sources[i] = raw_source((uint32_t)i, 1, READINESS_READABLE);
                pipe_pair(ends[i]);
                add((uint32_t)i, 1, READINESS_READABLE, ends[i][0]);
        }
        /* Both are registered, under one id each. */
        remove_again(0, 1, ends[1][0]);
        raw_client_expect_source_refused(&scene.client, 8, raw_source(0, 1, 0), ENOENT,
                                         "the descriptor sent along is not the registered file");
        add(0, 1, READINESS_WRITABLE, ends[1][0]);
        raw_client_expect_source_refused(&scene.client, 7, raw_source(0, 1, 0), ESTALE,
                                         "slot 0 is registered for another file");
        expect_registrations(2);
        for (int i = 0; i < 2; i++) {
                const Iod__Frame *frame;

                put_byte(ends[i][1]);
                frame = raw_client_expect(&scene.client, IOD__FRAME__BODY_READINESS);
                ck_assert_uint_eq(frame->readiness->n_event, 1);
                ck_assert_uint_eq(frame->readiness->event[0], sources[i]);
        }
        for (int i = 0; i < 2; i++) {
                close(ends[i][0]);
                close(ends[i][1]);
        }
}
END_TEST

START_TEST(interest_is_made_of_the_three_known_bits)
{
        static const uint16_t interests[] = {0, 4, 8, 16, 64, 0x8000, 0x8001, 0xffff};
        CLEANUP(cleanup_close) int fd = open_eventfd();

        add(0, 1, interests[_i], fd);
        raw_client_expect_source_refused(&scene.client, 7, raw_source(0, 1, 0), EINVAL,
                                         "interest %#x is not made of READABLE, WRITABLE, PRIORITY",
                                         interests[_i]);
}
END_TEST

START_TEST(events_of_a_registration_said_to_be_gone_are_not_told)
{
        uint64_t source = raw_source(0, 1, READINESS_READABLE);
        CLEANUP(cleanup_close) int fd = open_eventfd();
        RawBytes body = {0}, frame = {0};

        add(0, 1, READINESS_READABLE, fd);
        raw_put_packed(&body, RAW_ADD_GONE, &source, 1);
        raw_put_frame(&frame, 0, 0, RAW_ADD_IO_SOURCE, &body);
        ck_assert_int_eq(raw_client_send(&scene.client, &frame, NULL, 0), 0);
        expect_registrations(0);
        ck_assert_int_eq(eventfd_write(fd, 1), 0);
        hostile_scene_check_neighbour();
        raw_client_request(&scene.client, 9, RAW_GET_STATUS);
        ck_assert_int_eq(raw_client_receive(&scene.client)->body_case, IOD__FRAME__BODY_STATUS);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, set_up, hostile_scene_tear_down);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
        return tcase;
}

TEST_SUITE(test_hostile_descriptors)
{
        TCase *kinds = add_case(suite, "kinds");
        TCase *again = add_case(suite, "again");
        TCase *ids = add_case(suite, "ids");

        tcase_add_loop_test(kinds, a_kind_that_cannot_be_waited_for_is_refused, 0,
                            (int)(sizeof(refused_kinds) / sizeof(refused_kinds[0])));
        tcase_add_test(kinds, what_is_refused_does_not_take_the_rest_of_its_packet_along);

        tcase_add_test(again, a_descriptor_that_comes_twice_in_a_packet_is_registered_once);
        tcase_add_test(again, a_duplicate_of_a_registered_descriptor_is_refused);
        tcase_add_test(again, another_session_may_register_the_same_file);

        tcase_add_test(ids, an_older_generation_is_stale);
        tcase_add_test(ids, an_id_that_was_removed_is_forgotten);
        tcase_add_test(ids, what_was_refused_can_be_tried_again_under_its_id);
        tcase_add_test(ids, a_refused_file_does_not_end_the_registration_whose_slot_it_wanted);
        tcase_add_test(ids, generations_start_at_1);
        tcase_add_loop_test(ids, an_id_that_is_not_registered_cannot_be_removed, 0, 5);
        tcase_add_test(ids, a_registration_is_removed_by_its_own_file_only);
        tcase_add_test(ids, interest_is_changed_by_its_own_file_only);
        tcase_add_test(ids, a_registrations_id_does_not_reach_another_registrations_file);
        tcase_add_loop_test(ids, interest_is_made_of_the_three_known_bits, 0, 8);
        tcase_add_test(ids, events_of_a_registration_said_to_be_gone_are_not_told);
}
