/*
 * daemon/hold: what was left is found by its user and name until it is taken or its time is over;
 * everything is charged and bounded, and nothing is closed on the loop.
 */
#include "core/error.h"
#include "daemon/driver/descriptor_kind.h"
#include "daemon/hold/hold.h"
#include "daemon/hold/note.h"
#include "daemon/loop/loop.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"
#include "tests/support/memfd_note.h"
#include "tests/support/random.h"
#include "tests/support/silent_fuse.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
        UID = 1000,
        HOLDS_MAX = 4000,
        LONG_MS = 3600000,
        /* Short enough to wait for. */
        SHORT_MS = 20,
};

static const uint32_t limits[QUOTA_RESOURCE_COUNT] = {
        [QUOTA_SESSIONS] = 1,
        [QUOTA_HOLDS] = HOLDS_MAX,
};

static Loop loop;
static Quota quota;
static QuotaUser *user;
static HoldSet set;

/* ---- the other side: what is given away ---- */

static int given[2 * HOLDS_MAX];
static size_t n_given;
static size_t closer_room; /* how many more are taken */
static size_t offers;

static bool collect(void *data, uid_t uid, int take_fd)
{
        (void)uid;
        ASSERT_IN_LOOP(data == &quota);
        offers++;
        if (closer_room == 0)
                return false;
        closer_room--;
        given[n_given++] = take_fd;
        return true;
}

static size_t n_closed;

/* The set's, in this program. */
int close(int fd)
{
        n_closed++;
        return (int)syscall(SYS_close, fd);
}

static void set_up(void)
{
        ck_assert_int_eq(loop_open(&loop), 0);
        descriptor_kind_open();
        quota_init(&quota);
        ck_assert_int_eq(quota_user_ref(&quota, UID, limits, &user), 0);
        ck_assert_int_eq(hold_set_init(&set, &loop, &quota, collect, &quota), 0);
        n_given = 0;
        closer_room = sizeof(given) / sizeof(given[0]);
        offers = 0;
}

/* Every charge and every reference has been given back. */
static void tear_down(void)
{
        hold_set_deinit(&set);
        ck_assert_uint_eq(set.descriptors, 0);
        quota_user_unref(&quota, user);
        quota_deinit(&quota);
        loop_close(&loop);
        descriptor_kind_close();
}

static int add(const char *name, uint64_t time_to_live_ms, int fd, int note_fd, uint32_t note_size)
{
        const HoldRequest request = {
                .user = user,
                .name = name,
                .time_to_live_ms = time_to_live_ms,
                .session = 7,
                .pid = 77,
                .program = "program",
        };

        return hold_set_add(&set, &request, fd, note_fd, note_size);
}

static int make_eventfd(void)
{
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        ASSERT_IN_LOOP(fd >= 0);
        return fd;
}

static int hold(const char *name, uint64_t time_to_live_ms)
{
        int fd = make_eventfd();

        ck_assert_msg(add(name, time_to_live_ms, fd, -1, 0) == 0, "%s", error_text());
        return fd;
}

static void expect_refused(int r, int error, const char *text)
{
        ck_assert_msg(r == -error, "%d: %s", r, error_text());
        ck_assert_str_eq(error_text(), text);
        ck_assert_uint_lt(strlen(error_text()), FRAME_TEXT_MAX);
        ck_assert_uint_eq(user->references, 1 + set.count);
        ck_assert_uint_eq(user->used[QUOTA_HOLDS], set.count);
}

static void expect_taken(const char *name, int fd, int note_fd)
{
        HoldTaken taken;

        ck_assert_msg(hold_set_take(&set, UID, name, &taken) == 0, "%s", error_text());
        ck_assert_int_eq(taken.fd, fd);
        ck_assert_int_eq(taken.note_fd, note_fd);
}

static size_t timers_armed(void)
{
        return (size_t)event_base_get_num_events(loop.base, EVENT_BASE_COUNT_ADDED);
}

/* Turns of the loop until the condition is true. */
#define TURN_UNTIL(condition)                                                                      \
        ck_assert(WAIT_UNTIL((event_base_loop(loop.base, EVLOOP_NONBLOCK), (condition)),           \
                             DEADLINE_MS))

/* ---- leaving and taking ---- */

START_TEST(what_was_left_is_taken_back_once)
{
        HoldTaken taken;
        int fd = hold("listener", LONG_MS);

        ck_assert_uint_eq(set.count, 1);
        ck_assert_uint_eq(set.descriptors, 1);
        ck_assert_uint_eq(user->used[QUOTA_HOLDS], 1);
        expect_taken("listener", fd, -1);
        ck_assert_uint_eq(set.count, 0);
        ck_assert_uint_eq(set.descriptors, 0);
        ck_assert_uint_eq(user->used[QUOTA_HOLDS], 0);
        expect_refused(hold_set_take(&set, UID, "listener", &taken), ENOENT,
                       "nothing is held as listener");
        /* The name is free again. */
        hold("listener", LONG_MS);
        /* What was taken was not given away. */
        ck_assert_uint_eq(offers, 0);
}
END_TEST

START_TEST(its_note_comes_back_with_it)
{
        HoldTaken taken;
        int fd = make_eventfd();
        int note = memfd_note(FRAME_NOTE_MAX, NOTE_SEALS);

        ck_assert_msg(add("n", LONG_MS, fd, note, FRAME_NOTE_MAX) == 0, "%s", error_text());
        ck_assert_uint_eq(set.descriptors, 2);
        ck_assert(WAIT_UNTIL(hold_time_left_ms(hold_set_next(&set, 0)) < LONG_MS, DEADLINE_MS));
        ck_assert_int_eq(hold_set_take(&set, UID, "n", &taken), 0);
        ck_assert_int_eq(taken.fd, fd);
        ck_assert_int_eq(taken.note_fd, note);
        ck_assert_uint_eq(taken.note_size, FRAME_NOTE_MAX);
        ck_assert_uint_ge(taken.held_ms, 1);
        ck_assert_uint_lt(taken.held_ms, DEADLINE_MS);
        ck_assert_uint_eq(set.descriptors, 0);
}
END_TEST

START_TEST(each_user_has_names_of_its_own)
{
        QuotaUser *first = user, *other;
        HoldTaken taken;
        int mine = hold("a", LONG_MS), theirs;

        expect_refused(hold_set_take(&set, UID + 1, "a", &taken), ENOENT, "nothing is held as a");
        ck_assert_int_eq(quota_user_ref(&quota, UID + 1, limits, &other), 0);
        user = other;
        theirs = hold("a", LONG_MS);
        user = first;
        /* Their session ends; what they left does not. */
        quota_user_unref(&quota, other);
        ck_assert_int_eq(hold_set_take(&set, UID + 1, "a", &taken), 0);
        ck_assert_int_eq(taken.fd, theirs);
        expect_taken("a", mine, -1);
}
END_TEST

START_TEST(a_name_that_is_taken_is_refused)
{
        char longest[HOLD_NAME_MAX + 1] = {0};
        char sentence[ERROR_TEXT_MAX];
        int fd;

        memset(longest, 'n', HOLD_NAME_MAX);
        fd = hold(longest, LONG_MS);
        snprintf(sentence, sizeof(sentence), "%s is held already: take it", longest);
        expect_refused(add(longest, LONG_MS, make_eventfd(), -1, 0), EEXIST, sentence);
        expect_taken(longest, fd, -1);
}
END_TEST

START_TEST(a_name_is_printable_and_not_too_long)
{
        static const char *const names[] = {
                "",
                "with blank",
                "tab\t",
                "line\n",
                "\x7f",
                "\xc3\xa4",
                "12345678901234567890123456789012345678901234567890123456789012345",
        };
        const char *sentence = "a hold's name is 1 to 64 bytes of printable ASCII without blanks";
        HoldTaken taken;

        expect_refused(add(names[_i], LONG_MS, make_eventfd(), -1, 0), EINVAL, sentence);
        expect_refused(hold_set_take(&set, UID, names[_i], &taken), EINVAL, sentence);
}
END_TEST

START_TEST(a_time_to_live_is_more_than_nothing_and_at_most_a_year)
{
        const uint64_t year = UINT64_C(365) * 24 * 3600 * 1000;

        expect_refused(add("a", 0, make_eventfd(), -1, 0), EINVAL,
                       "a time to live of 0 holds nothing: name milliseconds");
        expect_refused(add("a", year + 1, make_eventfd(), -1, 0), EINVAL,
                       "a time to live of 31536000001 ms is over 365 days");
        expect_refused(add("a", UINT64_MAX, make_eventfd(), -1, 0), EINVAL,
                       "a time to live of 18446744073709551615 ms is over 365 days");
        ck_assert_int_eq(add("a", year, make_eventfd(), -1, 0), 0);
        ck_assert_uint_gt(hold_time_left_ms(hold_set_next(&set, 0)), year - DEADLINE_MS);
}
END_TEST

START_TEST(what_the_daemon_does_not_wait_for_it_does_not_hold)
{
        static const char sentence[] =
                "the daemon holds only what it would wait for: sockets, pipes and the like";
        int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

        expect_refused(add("a", LONG_MS, fd, -1, 0), EPERM, sentence);
        expect_refused(add("a", LONG_MS, open("/dev/null", O_RDWR | O_CLOEXEC), -1, 0), EOPNOTSUPP,
                       sentence);
        expect_refused(add("a", LONG_MS, 1 << 20, -1, 0), EBADF, sentence);
        /* It is the caller's still. */
        ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
        ck_assert_uint_eq(offers, 0);
}
END_TEST

START_TEST(a_file_system_that_does_not_answer_holds_up_nothing)
{
        /* Invariant 8. If it were asked, this would hang and time out. */
        int fd = silent_fuse_open(S_IFREG);
        int r;

        if (fd < 0)
                SKIP_TEST("no FUSE file system can be mounted here: %s", strerror(errno));
        r = _i == 0 ? add("a", LONG_MS, fd, -1, 0) : add("a", LONG_MS, make_eventfd(), fd, 1);
        silent_fuse_end();
        ck_assert_int_eq(r, _i == 0 ? -EPERM : -EINVAL);
}
END_TEST

START_TEST(a_note_is_looked_at)
{
        int fd = make_eventfd();

        expect_refused(add("a", LONG_MS, fd, memfd_note(5, NOTE_SEALS), FRAME_NOTE_MAX + 1),
                       EMSGSIZE, "a note of 65537 bytes is too long: at most 65536");
        expect_refused(add("a", LONG_MS, fd, memfd_note(5, 0), 5), EINVAL,
                       "the note is not sealed: add F_SEAL_WRITE, F_SEAL_SHRINK and F_SEAL_GROW");
        expect_refused(add("a", LONG_MS, fd, -1, 5), EINVAL,
                       "a note of 5 bytes was announced and did not come");
        expect_refused(add("a", LONG_MS, fd, memfd_note(5, NOTE_SEALS), 0), EINVAL,
                       "a note of 0 bytes is none: send no descriptor for it");
        ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
}
END_TEST

/* ---- bounds ---- */

START_TEST(a_user_holds_as_many_as_its_limit_says)
{
        char name[HOLD_NAME_MAX];

        for (int i = 0; i < HOLDS_MAX; i++) {
                snprintf(name, sizeof(name), "hold-%d", i);
                ASSERT_IN_LOOP(add(name, LONG_MS, 0, -1, 0) == 0);
        }
        expect_refused(add("more", LONG_MS, 0, -1, 0), EDQUOT,
                       "user 1000 is at the limit of 4000 holds per user: end some first");
        expect_taken("hold-17", 0, -1);
        ck_assert_int_eq(add("more", LONG_MS, 0, -1, 0), 0);
        ck_assert_uint_eq(set.count, HOLDS_MAX);
        ck_assert_uint_eq(timers_armed(), 1);
}
END_TEST

/* Descriptor 0 becomes something to hold many times. */
static void set_up_zero(void)
{
        set_up();
        ck_assert_int_eq(dup2(make_eventfd(), 0), 0);
}

/* ---- the end of time ---- */

START_TEST(what_nobody_takes_in_time_is_given_away)
{
        HoldTaken taken;
        int fd = make_eventfd(), note = memfd_note(1, NOTE_SEALS);

        hold("stays", LONG_MS);
        ck_assert_int_eq(add("goes", SHORT_MS, fd, note, 1), 0);
        n_closed = 0;
        TURN_UNTIL(n_given == 2);
        ck_assert_int_eq(given[0], fd);
        ck_assert_int_eq(given[1], note);
        ck_assert_uint_eq(n_closed, 0);
        ck_assert_uint_eq(set.count, 1);
        ck_assert_uint_eq(set.descriptors, 1);
        expect_refused(hold_set_take(&set, UID, "goes", &taken), ENOENT, "nothing is held as goes");
}
END_TEST

START_TEST(it_is_not_given_away_before_its_time)
{
        int fd = hold("a", SHORT_MS);
        uint64_t expires_at_ms = hold_set_next(&set, 0)->expires_at_ms;
        struct timespec now;

        TURN_UNTIL(n_given == 1);
        clock_gettime(CLOCK_MONOTONIC, &now);
        ck_assert_uint_ge((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
                          expires_at_ms);
        ck_assert_int_eq(given[0], fd);
}
END_TEST

START_TEST(when_its_time_is_over_it_is_not_to_be_had_though_the_timer_is_late)
{
        HoldTaken taken;
        int former = hold("a", 1), fd;

        ck_assert(WAIT_UNTIL(hold_time_left_ms(hold_set_next(&set, 0)) == 0, DEADLINE_MS));
        ck_assert_int_eq(hold_set_take(&set, UID, "a", &taken), -ENOENT);
        /* And its name is free. */
        fd = hold("a", LONG_MS);
        ck_assert_uint_eq(set.count, 1);
        TURN_UNTIL(n_given == 1);
        ck_assert_int_eq(given[0], former);
        expect_taken("a", fd, -1);
}
END_TEST

START_TEST(one_timer_serves_them_all_and_rests_without_any)
{
        char name[HOLD_NAME_MAX];

        ck_assert_uint_eq(timers_armed(), 0);
        for (int i = 0; i < 100; i++) {
                /* Each ends before the one before. */
                snprintf(name, sizeof(name), "hold-%d", i);
                hold(name, (uint64_t)(LONG_MS - i));
                ck_assert_uint_eq(timers_armed(), 1);
        }
        for (int i = 0; i < 100; i++) {
                HoldTaken taken;

                snprintf(name, sizeof(name), "hold-%d", i);
                ck_assert_uint_eq(timers_armed(), 1);
                ck_assert_int_eq(hold_set_take(&set, UID, name, &taken), 0);
        }
        ck_assert_uint_eq(timers_armed(), 0);
}
END_TEST

START_TEST(a_hold_that_ends_sooner_does_not_wait_for_one_that_ends_later)
{
        int fd;

        hold("later", LONG_MS);
        fd = hold("sooner", SHORT_MS);
        hold("latest", 2 * LONG_MS);
        TURN_UNTIL(n_given == 1);
        ck_assert_int_eq(given[0], fd);
        ck_assert_uint_eq(set.count, 2);
}
END_TEST

START_TEST(many_that_end_together_go_in_several_turns)
{
        enum { MANY = 3 * HOLD_EXPIRIES_PER_TURN };
        char name[HOLD_NAME_MAX];
        size_t before;

        for (int i = 0; i < MANY; i++) {
                snprintf(name, sizeof(name), "hold-%d", i);
                ASSERT_IN_LOOP(add(name, 1, 0, -1, 0) == 0);
        }
        ck_assert(WAIT_UNTIL(hold_time_left_ms(hold_set_next(&set, MANY - 1)) == 0, DEADLINE_MS));
        do {
                before = n_given;
                event_base_loop(loop.base, EVLOOP_ONCE);
                ck_assert_uint_le(n_given - before, HOLD_EXPIRIES_PER_TURN);
        } while (set.count > 0);
        ck_assert_uint_eq(n_given, MANY);
        ck_assert_uint_eq(user->used[QUOTA_HOLDS], 0);
}
END_TEST

START_TEST(while_the_closer_has_no_room_they_are_charged_and_offered_again)
{
        HoldTaken taken;
        int note = memfd_note(1, NOTE_SEALS);
        int fd = make_eventfd(), behind;

        closer_room = 1;
        ck_assert_int_eq(add("a", 1, fd, note, 1), 0);
        behind = hold("b", SHORT_MS);
        TURN_UNTIL(offers >= 5);
        ck_assert_uint_eq(n_given, 1);
        ck_assert_int_eq(given[0], fd);
        ck_assert_int_eq(hold_set_take(&set, UID, "a", &taken), -ENOENT);
        TURN_UNTIL(set.count == 0);
        ck_assert_ptr_null(hold_set_next(&set, 0));
        ck_assert_uint_eq(user->used[QUOTA_HOLDS], 2);
        ck_assert_uint_eq(set.descriptors, 2);

        closer_room = 2;
        TURN_UNTIL(n_given == 3);
        ck_assert_int_eq(given[1], note);
        ck_assert_int_eq(given[2], behind);
        ck_assert_uint_eq(user->used[QUOTA_HOLDS], 0);
        ck_assert_uint_eq(set.descriptors, 0);
        ck_assert_uint_eq(timers_armed(), 0);
}
END_TEST

START_TEST(the_sets_end_gives_everything_away)
{
        int first = hold("a", LONG_MS), second = make_eventfd();
        int note = memfd_note(1, NOTE_SEALS);

        ck_assert_int_eq(add("b", 2 * LONG_MS, second, note, 1), 0);
        n_closed = 0;
        hold_set_deinit(&set);
        ck_assert_uint_eq(n_closed, 0);
        ck_assert_uint_eq(n_given, 3);
        ck_assert_int_eq(given[0], first);
        ck_assert_int_eq(given[1], second);
        ck_assert_int_eq(given[2], note);
        ck_assert_uint_eq(user->references, 1);
        ck_assert_int_eq(hold_set_init(&set, &loop, &quota, collect, &quota), 0);
}
END_TEST

START_TEST(the_sets_end_comes_also_while_the_closer_has_no_room)
{
        hold("a", LONG_MS);
        closer_room = 0;
        n_closed = 0;
        hold_set_deinit(&set);
        ck_assert_uint_eq(n_closed, 0);
        ck_assert_uint_eq(user->used[QUOTA_HOLDS], 0);
        ck_assert_uint_eq(user->references, 1);
        ck_assert_int_eq(hold_set_init(&set, &loop, &quota, collect, &quota), 0);
}
END_TEST

/* ---- the list ---- */

START_TEST(the_list_tells_who_left_what)
{
        struct timespec before, after;
        const Hold *entry;
        struct stat file;
        int pair[2];

        unix_pair(SOCK_STREAM, pair);
        ck_assert_int_eq(fstat(pair[0], &file), 0);
        clock_gettime(CLOCK_REALTIME, &before);
        ck_assert_int_eq(add("socket", LONG_MS, pair[0], memfd_note(3, NOTE_SEALS), 3), 0);
        clock_gettime(CLOCK_REALTIME, &after);
        entry = hold_set_next(&set, 0);
        ck_assert_ptr_nonnull(entry);
        ck_assert_uint_eq(entry->number, 1);
        ck_assert_str_eq(entry->name, "socket");
        ck_assert_uint_eq(entry->user->uid, UID);
        ck_assert_uint_eq(entry->session, 7);
        ck_assert_int_eq(entry->pid, 77);
        ck_assert_str_eq(entry->program, "program");
        ck_assert_str_eq(descriptor_kind_name(entry->kind), "unix-stream");
        ck_assert_uint_eq(entry->inode, file.st_ino);
        ck_assert_uint_eq(entry->note_size, 3);
        ck_assert_uint_ge(entry->since / 1000000000u, (uint64_t)before.tv_sec);
        ck_assert_uint_le(entry->since / 1000000000u, (uint64_t)after.tv_sec);
        ck_assert_uint_le(hold_time_left_ms(entry), LONG_MS);
        ck_assert_uint_gt(hold_time_left_ms(entry), LONG_MS - DEADLINE_MS);
        ck_assert_ptr_null(hold_set_next(&set, 1));
}
END_TEST

START_TEST(a_number_is_never_used_twice)
{
        HoldTaken taken;

        hold("a", LONG_MS);
        ck_assert_int_eq(hold_set_take(&set, UID, "a", &taken), 0);
        hold("a", LONG_MS);
        ck_assert_uint_eq(hold_set_next(&set, 0)->number, 2);
}
END_TEST

START_TEST(whatever_comes_and_goes_the_set_is_what_a_plain_table_says)
{
        enum { NAMES = 200, ROUNDS = 20000 };
        static uint64_t numbers[NAMES]; /* 0: not held */
        uint64_t state = 11, last = 0;
        char name[HOLD_NAME_MAX];
        HoldTaken taken;

        for (int round = 0; round < ROUNDS; round++) {
                uint32_t i = random_below(&state, NAMES);
                uint64_t after = random_below(&state, (uint32_t)last + 2);
                uint64_t expected = 0;
                const Hold *next;
                int r;

                snprintf(name, sizeof(name), "name-%u", i);
                if (random_below(&state, 2) == 0) {
                        r = add(name, LONG_MS + random_below(&state, LONG_MS), 0, -1, 0);
                        ASSERT_IN_LOOP(r == (numbers[i] ? -EEXIST : 0));
                        if (r == 0)
                                numbers[i] = ++last;
                } else {
                        r = hold_set_take(&set, UID, name, &taken);
                        ASSERT_IN_LOOP(r == (numbers[i] ? 0 : -ENOENT));
                        numbers[i] = 0;
                }
                for (int n = 0; n < NAMES; n++) {
                        if (numbers[n] > after && (expected == 0 || numbers[n] < expected))
                                expected = numbers[n];
                }
                next = hold_set_next(&set, after);
                ASSERT_IN_LOOP((next ? next->number : 0) == expected);
        }
        ck_assert_uint_eq(user->used[QUOTA_HOLDS], set.count);
}
END_TEST

TEST_SUITE(test_hold)
{
        TCase *holds = tcase_create("holds");
        TCase *ends = tcase_create("ends");
        TCase *many = tcase_create("many");

        tcase_add_checked_fixture(holds, set_up, tear_down);
        tcase_add_test(holds, what_was_left_is_taken_back_once);
        tcase_add_test(holds, its_note_comes_back_with_it);
        tcase_add_test(holds, each_user_has_names_of_its_own);
        tcase_add_test(holds, a_name_that_is_taken_is_refused);
        tcase_add_loop_test(holds, a_name_is_printable_and_not_too_long, 0, 7);
        tcase_add_test(holds, a_time_to_live_is_more_than_nothing_and_at_most_a_year);
        tcase_add_test(holds, what_the_daemon_does_not_wait_for_it_does_not_hold);
        tcase_add_loop_test(holds, a_file_system_that_does_not_answer_holds_up_nothing, 0, 2);
        tcase_add_test(holds, a_note_is_looked_at);
        tcase_add_test(holds, the_list_tells_who_left_what);
        tcase_add_test(holds, a_number_is_never_used_twice);
        tcase_set_timeout(holds, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, holds);

        tcase_add_checked_fixture(ends, set_up, tear_down);
        tcase_add_test(ends, what_nobody_takes_in_time_is_given_away);
        tcase_add_test(ends, it_is_not_given_away_before_its_time);
        tcase_add_test(ends, when_its_time_is_over_it_is_not_to_be_had_though_the_timer_is_late);
        tcase_add_test(ends, one_timer_serves_them_all_and_rests_without_any);
        tcase_add_test(ends, a_hold_that_ends_sooner_does_not_wait_for_one_that_ends_later);
        tcase_add_test(ends, while_the_closer_has_no_room_they_are_charged_and_offered_again);
        tcase_add_test(ends, the_sets_end_gives_everything_away);
        tcase_add_test(ends, the_sets_end_comes_also_while_the_closer_has_no_room);
        tcase_set_timeout(ends, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, ends);

        tcase_add_checked_fixture(many, set_up_zero, tear_down);
        tcase_add_test(many, a_user_holds_as_many_as_its_limit_says);
        tcase_add_test(many, many_that_end_together_go_in_several_turns);
        tcase_add_test(many, whatever_comes_and_goes_the_set_is_what_a_plain_table_says);
        tcase_set_timeout(many, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, many);
}
