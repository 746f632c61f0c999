/* The scene of the tests of hostile clients. See hostile_scene.h. */
#include "tests/support/hostile_scene.h"

#include "core/readiness.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <sys/eventfd.h>
#include <unistd.h>

enum { KEPT_SLOT = 0, PASSING_SLOT = 1 };

HostileScene scene;

int open_eventfd(void)
{
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        ck_assert_int_ge(fd, 0);
        return fd;
}

/* Makes the eventfd readable and waits until the daemon has said so. */
static void expect_event(int borrow_fd, uint32_t slot, uint32_t generation)
{
        uint64_t expected = raw_source(slot, generation, READINESS_READABLE);
        Iod__Frame *frame;
        eventfd_t value;

        ck_assert_int_eq(eventfd_write(borrow_fd, 1), 0);
        frame = raw_client_expect(&scene.neighbour, IOD__FRAME__BODY_READINESS);
        ck_assert_uint_eq(frame->readiness->n_event, 1);
        ck_assert_uint_eq(frame->readiness->event[0], expected);
        ck_assert_int_eq(eventfd_read(borrow_fd, &value), 0);
}

void hostile_scene_check_neighbour(void)
{
        uint64_t source = raw_source(PASSING_SLOT, ++scene.generation, READINESS_READABLE);
        int fd = open_eventfd();

        expect_event(scene.neighbour_fd, KEPT_SLOT, 1);
        raw_client_add(&scene.neighbour, 1, &source, &fd, 1);
        expect_event(fd, PASSING_SLOT, scene.generation);
        raw_client_remove(&scene.neighbour, 2, &source, &fd, 1);
        close(fd);
}

static bool nothing_is_left(void)
{
        const Iod__Status *status = raw_client_status(&scene.neighbour);

        return status->sessions == 1 && status->registrations == 1 &&
               test_daemon_count_descriptors(&scene.daemon) == scene.descriptors;
}

void hostile_scene_check_nothing_left(void)
{
        bool nothing = WAIT_UNTIL(nothing_is_left(), DEADLINE_MS);
        const Iod__Status *status = raw_client_status(&scene.neighbour);

        ck_assert_msg(nothing, "left: %u sessions, %u registrations, %zu descriptors (before: %zu)",
                      status->sessions - 1, (unsigned)status->registrations - 1,
                      test_daemon_count_descriptors(&scene.daemon), scene.descriptors);
}

/* The daemon closes what it was sent later, but in order: a pipe of ours is the last. */
void hostile_scene_await_closer(void)
{
        uint64_t source = raw_source(PASSING_SLOT, ++scene.generation, READINESS_READABLE);
        RawBytes body = {0}, frame = {0};
        int ends[2];

        pipe_pair(ends);
        raw_client_add(&scene.neighbour, 1, &source, &ends[1], 1);
        close(ends[1]);
        ck_assert(wait_readable(ends[0], DEADLINE_MS));
        close(ends[0]);
        raw_put_packed(&body, RAW_ADD_GONE, &source, 1);
        raw_put_frame(&frame, 0, 2, RAW_ADD_IO_SOURCE, &body);
        ck_assert_int_eq(raw_client_send(&scene.neighbour, &frame, NULL, 0), 0);
}

void hostile_scene_start(const char *const *options)
{
        uint64_t source = raw_source(KEPT_SLOT, 1, READINESS_READABLE);

        scene.client.socket_fd = -1;
        test_daemon_start(&scene.daemon, options);
        raw_client_open(&scene.neighbour, scene.daemon.socket_path);
        scene.neighbour_fd = open_eventfd();
        raw_client_add(&scene.neighbour, 1, &source, &scene.neighbour_fd, 1);
        hostile_scene_check_neighbour();
        /* Starting the daemon took a connection or two. */
        ck_assert(WAIT_UNTIL(raw_client_status(&scene.neighbour)->sessions == 1, DEADLINE_MS));
        hostile_scene_await_closer();
        scene.descriptors = test_daemon_count_descriptors(&scene.daemon);
}

void hostile_scene_set_up(void)
{
        hostile_scene_start(NULL);
}

void hostile_scene_forget(void)
{
        raw_client_close(&scene.client);
        raw_client_close(&scene.neighbour);
        close(scene.neighbour_fd);
        scene = (HostileScene){.client.socket_fd = -1};
}

void hostile_scene_tear_down(void)
{
        if (scene.daemon.pid == 0)
                return; /* the test was skipped, or has ended the daemon itself */
        raw_client_close(&scene.client);
        hostile_scene_check_nothing_left();
        hostile_scene_check_neighbour();
        hostile_scene_check_nothing_left();
        test_daemon_stop(&scene.daemon);
        hostile_scene_forget();
}
