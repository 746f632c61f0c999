/*
 * daemon/registration_set (and registration_info): a slot belongs to its latest generation only,
 * the table costs what is used, and after a reconciliation it says what the kernel says.
 */
#include "core/error.h"
#include "daemon/driver/registration_set.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"
#include "tests/support/reconcile.h"

#include <errno.h>
#include <unistd.h>

enum { LIMIT = 600 };

static RegistrationSet set;

static void set_up(void)
{
        registration_set_init(&set, LIMIT);
}

static void tear_down(void)
{
        registration_set_deinit(&set);
}

/* Checks and uses; the result of the check. */
static int use(uint32_t slot, uint32_t generation)
{
        IoId id = io_id_make(slot, generation);
        int r = registration_set_check(&set, id);

        return r == 0 ? registration_set_use(&set, id, (RegistrationInfo){.tick = 0}) : r;
}

/* A registration with a file, the daemon's way: under a number that is not kept. */
static void watch(uint32_t slot, uint32_t generation, int borrow_fd)
{
        enum { SCRATCH = 900 };

        if (set.selector.epoll_fd < 0)
                ck_assert_int_eq(selector_open(&set.selector), 0);
        ck_assert_int_eq(use(slot, generation), 0);
        ck_assert_int_eq(dup2(borrow_fd, SCRATCH), SCRATCH);
        ck_assert_int_eq(selector_add(&set.selector, SCRATCH, io_id_make(slot, generation),
                                      READINESS_READABLE),
                         0);
        close(SCRATCH);
}

static bool has(uint32_t slot, uint32_t generation)
{
        return registration_set_recreate(&set, io_id_make(slot, generation)) != NULL;
}

/* ---- slots and generations ---- */

START_TEST(an_id_finds_its_registration_and_no_other)
{
        RegistrationInfo *info;

        ck_assert(!has(3, 1));
        ck_assert_int_eq(use(3, 1), 0);
        info = registration_set_recreate(&set, io_id_make(3, 1));
        ck_assert_ptr_nonnull(info);
        ck_assert_uint_eq(info->generation, 1);
        ck_assert(!has(3, 2));
        ck_assert(!has(3, 0));
        ck_assert(!has(2, 1));
        ck_assert(!has(3 + 64, 1));
        ck_assert(!has(IO_ID_SLOT_MAX, 1));
}
END_TEST

START_TEST(a_check_changes_nothing)
{
        ck_assert_int_eq(use(3, 1), 0);
        ck_assert_int_eq(registration_set_check(&set, io_id_make(3, 2)), 0);
        ck_assert(has(3, 1));
        ck_assert(!has(3, 2));
        ck_assert_uint_eq(set.count, 1);
        /* What was refused for another reason can be tried again. */
        ck_assert_int_eq(use(3, 2), 0);
}
END_TEST

START_TEST(a_later_generation_takes_the_slot)
{
        ck_assert_int_eq(use(3, 1), 0);
        ck_assert_int_eq(use(3, 5), 0);
        ck_assert(!has(3, 1));
        ck_assert(has(3, 5));
        ck_assert_uint_eq(set.count, 1);
        /* The kernel may still have the older one's file. */
        ck_assert_uint_eq(set.watches, 2);
}
END_TEST

START_TEST(a_generation_before_the_one_there_is_stale)
{
        ck_assert_int_eq(use(3, 5), 0);
        ck_assert_int_eq(use(3, 5), -ESTALE);
        ck_assert_str_eq(error_text(), "slot 3 generation 5 is stale: the slot has come to 5");
        ck_assert_int_eq(use(3, 4), -ESTALE);
        ck_assert_int_eq(use(3, 6), 0);
        ck_assert_uint_eq(set.count, 1);
}
END_TEST

/* What it was used for is not remembered: that would cost, and be nobody's. */
START_TEST(a_free_slot_is_anybodys)
{
        ck_assert_int_eq(use(3, 5), 0);
        registration_set_forget(&set, io_id_make(3, 4));
        ck_assert(has(3, 5));
        registration_set_forget(&set, io_id_make(3, 5));
        ck_assert(!has(3, 5));
        ck_assert_uint_eq(set.count, 0);
        registration_set_forget(&set, io_id_make(3, 5));
        ck_assert_uint_eq(set.count, 0);
        ck_assert_int_eq(use(3, 4), 0);
        registration_set_withdraw(&set, io_id_make(3, 4));
        ck_assert_uint_eq(set.count, 0);
        ck_assert_int_eq(use(3, 4), 0);
}
END_TEST

static unsigned told;

static void count_told(RegistrationOwner *owner)
{
        (void)owner;
        told++;
}

START_TEST(an_owner_is_told_of_the_end_but_not_of_a_withdrawal)
{
        RegistrationOwner owner = {.forgotten = count_told};

        told = 0;
        for (uint32_t generation = 1; generation <= 3; generation++) {
                ck_assert_int_eq(use(3, generation), 0);
                ck_assert_uint_eq(told, generation - 1);
                registration_set_recreate(&set, io_id_make(3, generation))->owner = &owner;
        }
        registration_set_forget(&set, io_id_make(3, 3));
        ck_assert_uint_eq(told, 3);
        ck_assert_int_eq(use(3, 4), 0);
        registration_set_recreate(&set, io_id_make(3, 4))->owner = &owner;
        registration_set_withdraw(&set, io_id_make(3, 4));
        ck_assert_uint_eq(told, 3);
}
END_TEST

START_TEST(generations_go_round)
{
        const uint32_t max = IO_ID_GENERATION_MAX;

        ck_assert_int_eq(use(3, max - 1), 0);
        ck_assert_int_eq(use(3, max), 0);
        ck_assert_int_eq(use(3, io_id_next_generation(max)), 0);
        ck_assert(has(3, 1));
        ck_assert_int_eq(use(3, max), -ESTALE);
        ck_assert_int_eq(use(3, 2), 0);
        /* Round and round, as often as a busy slot may come to it. */
        for (uint32_t generation = 2, i = 0; i < 20; i++) {
                generation = (generation + max / 3) % max + 1;
                ck_assert_int_eq(use(3, generation), 0);
        }
}
END_TEST

START_TEST(what_a_slot_number_may_be_is_said)
{
        ck_assert_int_eq(use(LIMIT - 1, 1), 0);
        ck_assert_int_eq(use(LIMIT, 1), -EDQUOT);
        ck_assert_str_eq(error_text(), "slot 600 is past the limit of 600 registrations a session");
        ck_assert_int_eq(use(IO_ID_SLOT_MAX, 1), -EDQUOT);
        ck_assert_int_eq(use(3, 0), -EINVAL);
        ck_assert_str_eq(error_text(), "slot 3 came with generation 0: generations start at 1");
        ck_assert_uint_eq(set.count, 1);
}
END_TEST

START_TEST(a_slot_is_occupied_by_whichever_generation)
{
        ck_assert(!registration_set_is_occupied(&set, io_id_make(3, 1)));
        ck_assert_int_eq(use(3, 2), 0);
        ck_assert(registration_set_is_occupied(&set, io_id_make(3, 1)));
        ck_assert(registration_set_is_occupied(&set, io_id_make(3, 9)));
        ck_assert(!registration_set_is_occupied(&set, io_id_make(4, 2)));
        ck_assert(!registration_set_is_occupied(&set, io_id_make(IO_ID_SLOT_MAX, 2)));
        registration_set_forget(&set, io_id_make(3, 2));
        ck_assert(!registration_set_is_occupied(&set, io_id_make(3, 2)));
}
END_TEST

START_TEST(waking_keeps_the_last_readiness_and_counts)
{
        RegistrationInfo info = {.generation = 1};

        registration_info_wake(&info, READINESS_READABLE, 7);
        registration_info_wake(&info, READINESS_WRITABLE, 8);
        ck_assert_uint_eq(info.readiness, READINESS_WRITABLE);
        ck_assert_uint_eq(info.tick, 2);
}
END_TEST

/* ---- the table ---- */

START_TEST(registrations_are_listed_in_order_of_slot)
{
        static const uint32_t slots[] = {0, 1, 255, 256, 512, LIMIT - 1};
        uint32_t slot = 0;

        ck_assert_ptr_null(registration_set_next(&set, &slot));
        for (size_t i = 6; i-- > 0;)
                ck_assert_int_eq(use(slots[i], 1), 0);
        slot = 0;
        for (size_t i = 0; i < 6; i++, slot++) {
                ck_assert_ptr_nonnull(registration_set_next(&set, &slot));
                ck_assert_uint_eq(slot, slots[i]);
        }
        ck_assert_ptr_null(registration_set_next(&set, &slot));
        slot = UINT32_MAX;
        ck_assert_ptr_null(registration_set_next(&set, &slot));
}
END_TEST

START_TEST(forgotten_ones_are_not_listed)
{
        uint32_t slot = 0;

        for (uint32_t i = 0; i < 10; i++)
                ck_assert_int_eq(use(i, 1), 0);
        for (uint32_t i = 0; i < 10; i++) {
                if (i != 7)
                        registration_set_forget(&set, io_id_make(i, 1));
        }
        ck_assert_ptr_nonnull(registration_set_next(&set, &slot));
        ck_assert_uint_eq(slot, 7);
        slot++;
        ck_assert_ptr_null(registration_set_next(&set, &slot));
}
END_TEST

START_TEST(what_is_refused_changes_nothing)
{
        uint64_t state = 5;

        for (uint32_t i = 0; i < 10000; i++)
                ASSERT_IN_LOOP(use(LIMIT + random_below(&state, IO_ID_SLOT_MAX - LIMIT), 1) < 0);
        ck_assert_uint_eq(set.map.root.used, 0);
        for (uint32_t i = 0; i < 100000; i++) {
                uint32_t slot = (uint32_t)random_next(&state) & IO_ID_SLOT_MAX;

                use(random_below(&state, 2) ? slot : slot % LIMIT, random_below(&state, 1000));
        }
        ck_assert_uint_le(set.count, LIMIT);
}
END_TEST

START_TEST(the_largest_limit_there_is_can_be_used_to_its_end)
{
        registration_set_deinit(&set);
        registration_set_init(&set, IO_ID_SLOT_MAX);
        ck_assert_int_eq(use(IO_ID_SLOT_MAX - 1, 1), 0);
        ck_assert(has(IO_ID_SLOT_MAX - 1, 1));
        ck_assert_int_eq(use(IO_ID_SLOT_MAX, 1), -EDQUOT);
}
END_TEST

START_TEST(whatever_is_done_the_count_is_what_is_listed)
{
        static uint32_t generations[LIMIT];
        uint64_t state = 6;

        for (int round = 0; round < 20000; round++) {
                uint32_t i = random_below(&state, LIMIT);

                if (has(i, generations[i]) && random_below(&state, 2))
                        registration_set_forget(&set, io_id_make(i, generations[i]));
                else
                        ASSERT_IN_LOOP(use(i, ++generations[i]) == 0);
                if (round % 1000 == 0) {
                        uint32_t listed = 0;

                        for (uint32_t slot = 0; registration_set_next(&set, &slot); slot++)
                                listed++;
                        ck_assert_uint_eq(set.count, listed);
                }
        }
}
END_TEST

/* ---- without the kernel ---- */

static void use_unwatched(uint32_t slot, RegistrationOwner *owner)
{
        ck_assert_int_eq(
                registration_set_use(&set, io_id_make(slot, 1),
                                     (RegistrationInfo){.unwatched = true, .owner = owner}),
                0);
}

START_TEST(what_is_not_watched_is_no_matter_of_the_kernels)
{
        int pipe[2];

        pipe_pair(pipe);
        watch(3, 1, pipe[0]);
        use_unwatched(4, NULL);
        ck_assert_uint_eq(set.watches, 1);
        close(pipe[0]);
        ck_assert_int_eq(reconcile(&set), 0);
        ck_assert(!has(3, 1));
        ck_assert(has(4, 1));
        ck_assert_uint_eq(set.count, 1);
        registration_set_forget(&set, io_id_make(4, 1));
        ck_assert_uint_eq(set.count, 0);
}
END_TEST

START_TEST(without_a_set_what_has_an_owner_stays_and_the_rest_is_forgotten_some_at_a_time)
{
        RegistrationOwner owner = {.forgotten = count_told};
        uint32_t slot = 0, calls = 0;

        told = 0;
        for (uint32_t i = 0; i < 100; i++) {
                ck_assert_int_eq(use(i * 5, 1), 0);
                if (i % 10 == 0) {
                        RegistrationInfo *info =
                                registration_set_recreate(&set, io_id_make(i * 5, 1));

                        info->owner = &owner;
                        registration_info_wake(info, READINESS_READABLE, 9);
                }
        }
        use_unwatched(7, NULL);
        while (!registration_set_watch_no_more(&set, &slot, 30)) {
                calls++;
                ck_assert_uint_ge(set.count, 101 - 30 * calls);
        }
        ck_assert_uint_eq(calls, 3);
        ck_assert_uint_eq(set.count, 11);
        ck_assert_uint_eq(told, 0);
        ck_assert(has(7, 1));
        for (uint32_t i = 0; i < 100; i += 10) {
                const RegistrationInfo *info =
                        registration_set_recreate(&set, io_id_make(i * 5, 1));

                ck_assert_ptr_nonnull(info);
                ck_assert(info->unwatched);
                ck_assert_uint_eq(info->readiness, 0);
                ck_assert_uint_eq(info->tick, 1);
        }
        registration_set_forget(&set, io_id_make(0, 1));
        ck_assert_uint_eq(told, 1);
}
END_TEST

/* ---- what the kernel has ---- */

START_TEST(files_really_closed_are_forgotten_and_the_others_are_not)
{
        int pipes[20][2];

        for (uint32_t i = 0; i < 20; i++) {
                pipe_pair(pipes[i]);
                watch(i * 29, i + 1, pipes[i][0]);
        }
        ck_assert_int_eq(reconcile(&set), 0);
        ck_assert_uint_eq(set.count, 20);
        ck_assert_uint_eq(set.watches, 20);
        for (uint32_t i = 0; i < 20; i += 2)
                close(pipes[i][0]);
        ck_assert_int_eq(reconcile(&set), 0);
        ck_assert_uint_eq(set.count, 10);
        ck_assert_uint_eq(set.watches, 10);
        for (uint32_t i = 0; i < 20; i++)
                ck_assert_int_eq(has(i * 29, i + 1), i % 2);
}
END_TEST

START_TEST(a_file_open_elsewhere_is_alive)
{
        int pipe[2];
        int copy;

        pipe_pair(pipe);
        copy = dup(pipe[0]);
        watch(3, 1, pipe[0]);
        close(pipe[0]);
        ck_assert_int_eq(reconcile(&set), 0);
        ck_assert(has(3, 1));
        close(copy);
        ck_assert_int_eq(reconcile(&set), 0);
        ck_assert(!has(3, 1));
}
END_TEST

START_TEST(an_older_generations_file_does_not_keep_a_later_one_alive)
{
        int old[2], new[2];

        pipe_pair(old);
        pipe_pair(new);
        watch(3, 1, old[0]);
        watch(3, 2, new[0]);
        close(new[0]);
        ck_assert_int_eq(reconcile(&set), 0);
        ck_assert_uint_eq(set.count, 0);
        /* Nobody's, and yet in the kernel's list. */
        ck_assert_uint_eq(set.watches, 1);
}
END_TEST

START_TEST(ids_of_all_bits_are_read_back)
{
        int pipe[2];

        registration_set_deinit(&set);
        registration_set_init(&set, IO_ID_SLOT_MAX);
        pipe_pair(pipe);
        watch(0xabcdef, 0xfedcba, pipe[0]);
        ck_assert_int_eq(reconcile(&set), 0);
        ck_assert(has(0xabcdef, 0xfedcba));
}
END_TEST

START_TEST(what_is_registered_while_others_are_marked_stays)
{
        uint32_t slot = 0;

        ck_assert_int_eq(use(3, 1), 0);
        registration_set_begin_marking(&set);
        ck_assert_int_eq(use(4, 1), 0);
        ck_assert(registration_set_forget_unmarked(&set, &slot, LIMIT, LIMIT));
        ck_assert(!has(3, 1));
        ck_assert(has(4, 1));
}
END_TEST

START_TEST(no_more_are_looked_at_or_forgotten_in_a_step_than_asked_for)
{
        uint32_t slot = 0;

        for (uint32_t i = 0; i < 20; i++)
                ck_assert_int_eq(use(i, 1), 0);
        registration_set_begin_marking(&set);
        ck_assert(!registration_set_forget_unmarked(&set, &slot, 5, 20));
        ck_assert_uint_eq(set.count, 15);
        ck_assert(!registration_set_forget_unmarked(&set, &slot, 20, 3));
        ck_assert_uint_eq(set.count, 12);
        /* Slots that are free are not looked at. */
        ck_assert_int_eq(use(LIMIT - 1, 1), 0);
        ck_assert(!registration_set_forget_unmarked(&set, &slot, 13, 20));
        ck_assert_uint_eq(set.count, 1);
        ck_assert(registration_set_forget_unmarked(&set, &slot, 1, 20));
        ck_assert_uint_eq(set.count, 1);
}
END_TEST

START_TEST(when_the_kernel_cannot_be_asked_nothing_changes)
{
        int pipe[2];

        pipe_pair(pipe);
        watch(3, 1, pipe[0]);
        close(pipe[0]);
        if (!limit_descriptors(set.selector.epoll_fd + 1))
                SKIP_TEST("the limit of open files is not the kernel's here");
        while (dup(pipe[1]) >= 0)
                ;
        ck_assert_int_eq(reconcile(&set), -EMFILE);
        unlimit_descriptors();
        ck_assert(has(3, 1));
        ck_assert_uint_eq(set.watches, 1);
}
END_TEST

TEST_SUITE(test_registration_set)
{
        TCase *slots = tcase_create("slots");
        TCase *table = tcase_create("table");
        TCase *kernel = tcase_create("kernel");

        tcase_add_checked_fixture(slots, set_up, tear_down);
        tcase_add_test(slots, an_id_finds_its_registration_and_no_other);
        tcase_add_test(slots, a_check_changes_nothing);
        tcase_add_test(slots, a_later_generation_takes_the_slot);
        tcase_add_test(slots, a_generation_before_the_one_there_is_stale);
        tcase_add_test(slots, a_free_slot_is_anybodys);
        tcase_add_test(slots, an_owner_is_told_of_the_end_but_not_of_a_withdrawal);
        tcase_add_test(slots, generations_go_round);
        tcase_add_test(slots, what_a_slot_number_may_be_is_said);
        tcase_add_test(slots, a_slot_is_occupied_by_whichever_generation);
        tcase_add_test(slots, waking_keeps_the_last_readiness_and_counts);
        tcase_set_timeout(slots, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, slots);

        tcase_add_checked_fixture(table, set_up, tear_down);
        tcase_add_test(table, registrations_are_listed_in_order_of_slot);
        tcase_add_test(table, forgotten_ones_are_not_listed);
        tcase_add_test(table, what_is_refused_changes_nothing);
        tcase_add_test(table, the_largest_limit_there_is_can_be_used_to_its_end);
        tcase_add_test(table, whatever_is_done_the_count_is_what_is_listed);
        tcase_add_test(table, what_is_not_watched_is_no_matter_of_the_kernels);
        tcase_add_test(
                table,
                without_a_set_what_has_an_owner_stays_and_the_rest_is_forgotten_some_at_a_time);
        tcase_set_timeout(table, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, table);

        tcase_add_checked_fixture(kernel, set_up, tear_down);
        tcase_add_test(kernel, files_really_closed_are_forgotten_and_the_others_are_not);
        tcase_add_test(kernel, a_file_open_elsewhere_is_alive);
        tcase_add_test(kernel, an_older_generations_file_does_not_keep_a_later_one_alive);
        tcase_add_test(kernel, ids_of_all_bits_are_read_back);
        tcase_add_test(kernel, what_is_registered_while_others_are_marked_stays);
        tcase_add_test(kernel, no_more_are_looked_at_or_forgotten_in_a_step_than_asked_for);
        tcase_add_test(kernel, when_the_kernel_cannot_be_asked_nothing_changes);
        tcase_set_timeout(kernel, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, kernel);
}
