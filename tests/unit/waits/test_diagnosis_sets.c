/*
 * Diagnoses of sets, of what is in them and who serves them, from two samples that are made up
 * here; and none of what only looks like it.
 */
#include "tests/support/fixture.h"
#include "tests/unit/waits/moments.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

static DiagnosisKind only_kind(void)
{
        ck_assert_uint_eq(moments_diagnose(), 1);
        return moments_found[0].kind;
}

/* ---- Spinning -------------------------------------------------------------------------------- */

/* Its thread runs, and has bytes of which it is told each time. */
static void spin(Moment *moment)
{
        moment->sockets[0].receive_queue = 20;
        moment->entry.events = EPOLLIN;
        moment->threads[0].state = 'R';
        moment->threads[0].call = -1;
        moment->threads[0].switches_known = true;
}

static void run_for_a_second(unsigned kernel_percent)
{
        moments[SECOND].threads[0].read_ns = 1000000000;
        moments[SECOND].threads[0].run_ns = 1000000000;
        moments[SECOND].threads[0].kernel_ms = 10 * kernel_percent;
}

START_TEST(spinning_is_who_runs_in_the_kernel_on_what_it_does_not_take)
{
        moments_make();
        moments_change(spin);
        run_for_a_second(60);
        ck_assert_int_eq(only_kind(), DIAGNOSIS_SPINNING);
        ck_assert_uint_eq(moments_found[0].loop.kernel_percent, 60);
        ck_assert_int_eq(moments_found[0].number, SOCKET);
        /* It computes. */
        run_for_a_second(DIAGNOSIS_SPINNING_PERCENT - 1);
        ck_assert_int_eq(only_kind(), DIAGNOSIS_BUSY);
        /* It is told once. */
        run_for_a_second(60);
        moments[SECOND].entry.events |= EPOLLET;
        ck_assert_int_eq(only_kind(), DIAGNOSIS_BUSY);
}
END_TEST

static void spin_on_an_end(Moment *moment)
{
        spin(moment);
        moment->sockets[0].receive_queue = 0;
        moment->sockets[0].state = TCP_CLOSE_WAIT;
        moment->sockets[0].times.heard_ms = DIAGNOSIS_UNREAD_MS;
}

START_TEST(an_end_is_as_ready_as_bytes)
{
        moments_make();
        moments_change(spin_on_an_end);
        run_for_a_second(60);
        ck_assert_int_eq(only_kind(), DIAGNOSIS_SPINNING);
        /* It may come to it. */
        moments[SECOND].sockets[0].times.heard_ms--;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* It does not ask for that. */
        moments_make();
        moments_change(spin_on_an_end);
        run_for_a_second(60);
        moments[SECOND].entry.events = EPOLLOUT;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

/* ---- Nobody ---------------------------------------------------------------------------------- */

/* Two threads, which sleep in something else. */
static void sleep_elsewhere(Moment *moment)
{
        moment->sockets[0].receive_queue = 20;
        moment->entry.events = EPOLLIN;
        moment->threads[0].call = SYS_futex;
        moment->threads[1] = moment->threads[0];
        moment->threads[1].tid++;
        moment->process.thread_count = 2;
}

START_TEST(nobody_waits_where_all_sleep_elsewhere)
{
        moments_make();
        moments_change(sleep_elsewhere);
        ck_assert_int_eq(only_kind(), DIAGNOSIS_NOBODY_WAITS);
        ck_assert_uint_eq(moments_found[0].amount, 1);
        ck_assert_uint_eq(moments_found[0].oldest_ms, 4010);
        /* One had a turn. */
        moments[SECOND].threads[1].runs++;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* They have just come. */
        moments_make();
        moments_change(sleep_elsewhere);
        moments[SECOND].sockets[0].times.received_ms = DIAGNOSIS_NOBODY_MS - 1;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

/* One of them waits for another set, which is empty. */
static void wait_for_another_set(Moment *moment)
{
        sleep_elsewhere(moment);
        moment->sets[1].number = SET + 1;
        moment->process.set_count = 2;
        moment->threads[1].call = SYS_epoll_pwait;
        moment->threads[1].argument = SET + 1;
}

START_TEST(a_set_may_be_in_the_one_that_is_waited_for)
{
        static WaitEntry inner = {.inode = 3, .number = SET, .events = EPOLLIN};

        moments_make();
        moments_change(wait_for_another_set);
        ck_assert_int_eq(only_kind(), DIAGNOSIS_NOBODY_WAITS);
        moments[SECOND].sets[1].entries = &inner;
        moments[SECOND].sets[1].count = 1;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* It was not read. */
        moments_make();
        moments_change(wait_for_another_set);
        moments[SECOND].sets[1].status = WAIT_SET_LARGE;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* It may be among what is polled. */
        moments_make();
        moments_change(sleep_elsewhere);
        moments[FIRST].threads[1].call = moments[SECOND].threads[1].call = SYS_ppoll;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

START_TEST(who_inherited_a_set_need_not_serve_it)
{
        static Process processes[MOMENTS][2];

        moments_make();
        moments_change(sleep_elsewhere);
        for (size_t i = 0; i < MOMENTS; i++) {
                moments[i].process.stat.start_time = 2;
                processes[i][0] = processes[i][1] = moments[i].process;
                processes[i][0].pid = 900;
                processes[i][0].stat.start_time = 1;
                moments[i].sample.processes = processes[i];
                moments[i].sample.count = 2;
        }
        moments_found_count = 0;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* It is the younger one's own. */
        processes[SECOND][0].set_count = 0;
        ck_assert_int_eq(only_kind(), DIAGNOSIS_NOBODY_WAITS);
}
END_TEST

/* ---- Entries --------------------------------------------------------------------------------- */

/* The entry's number was closed. */
static void close_number(Moment *moment)
{
        moment->process.descriptors.count = 1;
}

START_TEST(stale_is_an_entry_whose_number_was_closed)
{
        moments_make();
        moments_change(close_number);
        ck_assert_int_eq(only_kind(), DIAGNOSIS_STALE);
        ck_assert_int_eq(moments_found[0].number, SOCKET);
        ck_assert_uint_eq(moments_found[0].amount, 1);
        ck_assert_ptr_null(moments_found[0].descriptor);
        /* It was there a moment ago. */
        moments[FIRST].process.descriptors.count = 2;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* The entry is new. */
        moments_make();
        moments_change(close_number);
        moments[FIRST].sets[0].count = 0;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* Nobody here waits for the set: it may be another process's. */
        moments_make();
        moments_change(close_number);
        moments[FIRST].threads[0].call = moments[SECOND].threads[0].call = SYS_wait4;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

/* It is another socket's now. */
static void use_number_again(Moment *moment)
{
        moment->descriptors[1].inode = INODE + 1;
}

static void be_an_event(Moment *moment)
{
        moment->descriptors[1].kind = DESCRIPTOR_EVENT;
        moment->descriptors[1].inode = 0;
}

START_TEST(so_is_one_whose_number_is_another_files)
{
        moments_make();
        moments_change(use_number_again);
        ck_assert_int_eq(only_kind(), DIAGNOSIS_STALE);
        ck_assert_ptr_nonnull(moments_found[0].descriptor);
        /* An eventfd has an inode that is no socket's: */
        moments_make();
        moments_change(be_an_event);
        ck_assert_int_eq(only_kind(), DIAGNOSIS_STALE);
        /* its own entry. */
        moments[FIRST].entry.inode = moments[SECOND].entry.inode = INODE - 1;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* What it is cannot be told. */
        moments_make();
        moments_change(be_an_event);
        moments[SECOND].descriptors[1].kind = DESCRIPTOR_OTHER;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

/* The entry is a timer's that expires every tenth of a second. */
static void expire(Moment *moment)
{
        moment->descriptors[1] = (Descriptor){.number = SOCKET, .kind = DESCRIPTOR_TIMER};
        moment->timer = (TimerState){.number = SOCKET, .ticks = 1, .interval_ms = 100};
        moment->process.timer_count = 1;
        moment->entry.inode = 3;
}

START_TEST(late_is_a_timer_that_is_not_read)
{
        moments_make();
        moments_change(expire);
        ck_assert_int_eq(only_kind(), DIAGNOSIS_LATE_TIMER);
        ck_assert_int_eq(moments_found[0].number, SOCKET);
        ck_assert_uint_eq(moments_found[0].amount, 100);
        /* It is told again: who sleeps was not told, for a reason. */
        moments[SECOND].entry.events = EPOLLIN;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* It was read in between, or its thread had a turn. */
        moments_make();
        moments_change(expire);
        moments[FIRST].timer.ticks = 0;
        ck_assert_uint_eq(moments_diagnose(), 0);
        moments[FIRST].timer.ticks = 1;
        moments[SECOND].threads[0].runs++;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* It expires once, and has. */
        moments_make();
        moments_change(expire);
        moments[FIRST].timer.interval_ms = moments[SECOND].timer.interval_ms = 0;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

static void expire_behind_a_call(Moment *moment)
{
        expire(moment);
        moment->entry.events = EPOLLIN;
        moment->threads[0].call = SYS_read;
        moment->threads[0].argument = 0;
}

START_TEST(so_is_one_whose_thread_sleeps_elsewhere_for_longer)
{
        moments_make();
        moments_change(expire_behind_a_call);
        ck_assert_int_eq(only_kind(), DIAGNOSIS_LATE_TIMER);
        ck_assert_int_eq(moments_found[0].loop.state, LOOP_BLOCKED);
        /* What it does may be for this time. */
        moments[FIRST].timer.interval_ms = moments[SECOND].timer.interval_ms = 2000;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

static void have_datagrams(Moment *moment)
{
        moment->sockets[0].kind = SOCKET_UDP;
        moment->sockets[0].state = TCP_CLOSE;
        moment->sockets[0].receive_queue = 768;
        moment->sockets[0].times.known = false;
}

START_TEST(datagrams_can_be_unread_too)
{
        static Process processes[MOMENTS][2];

        moments_make();
        moments_change(have_datagrams);
        ck_assert_int_eq(only_kind(), DIAGNOSIS_UNREAD);
        /* It would be told again. */
        moments[SECOND].entry.events = EPOLLIN;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* Another process may have read some, and others have come. */
        moments_make();
        moments_change(have_datagrams);
        for (size_t i = 0; i < MOMENTS; i++) {
                processes[i][0] = processes[i][1] = moments[i].process;
                processes[i][1].pid = 1001;
                processes[i][1].set_count = 0;
                moments[i].sample.processes = processes[i];
                moments[i].sample.count = 2;
        }
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

static void be_locked(Moment *moment)
{
        moment->sets[0].status = WAIT_SET_HUNG;
        moment->sets[0].count = 0;
}

START_TEST(locked_is_a_set_that_could_not_be_listed_twice)
{
        moments_make();
        moments_change(be_locked);
        ck_assert_int_eq(only_kind(), DIAGNOSIS_LOCKED);
        ck_assert_uint_eq(moments_found[0].since_ms, SAMPLE_SET_MS);
        /* It was left, for another that hung. */
        moments[SECOND].sets[0].status = WAIT_SET_LEFT;
        ck_assert_uint_eq(moments_diagnose(), 0);
        moments_make();
        moments[SECOND].sets[0].status = WAIT_SET_HUNG;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

TEST_SUITE(test_diagnosis_sets)
{
        TCase *tc = tcase_create("diagnosis_sets");

        tcase_add_test(tc, spinning_is_who_runs_in_the_kernel_on_what_it_does_not_take);
        tcase_add_test(tc, an_end_is_as_ready_as_bytes);
        tcase_add_test(tc, nobody_waits_where_all_sleep_elsewhere);
        tcase_add_test(tc, a_set_may_be_in_the_one_that_is_waited_for);
        tcase_add_test(tc, who_inherited_a_set_need_not_serve_it);
        tcase_add_test(tc, stale_is_an_entry_whose_number_was_closed);
        tcase_add_test(tc, so_is_one_whose_number_is_another_files);
        tcase_add_test(tc, late_is_a_timer_that_is_not_read);
        tcase_add_test(tc, so_is_one_whose_thread_sleeps_elsewhere_for_longer);
        tcase_add_test(tc, datagrams_can_be_unread_too);
        tcase_add_test(tc, locked_is_a_set_that_could_not_be_listed_twice);
        suite_add_tcase(suite, tc);
}
