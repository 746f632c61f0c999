/*
 * Diagnoses from two samples that are made up here: each is told, and none of what looks like it
 * and is what a healthy program does.
 */
#include "tests/support/fixture.h"
#include "tests/unit/waits/moments.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

START_TEST(of_one_that_sleeps_there_is_nothing_to_tell)
{
        moments_make();
        ck_assert_uint_eq(moments_diagnose(), 0);
        ck_assert_int_eq(loop_look(&moments[FIRST].process, &moments[SECOND].process,
                                   &moments[SECOND].sets[0])
                                 .state,
                         LOOP_ASLEEP);
}
END_TEST

START_TEST(stopped_is_who_was_stopped_all_the_time)
{
        moments_make();
        moments[SECOND].process.stat.state = 'T';
        ck_assert_uint_eq(moments_diagnose(), 0);
        moments[FIRST].process.stat.state = 'T';
        ck_assert_uint_eq(moments_diagnose(), 1);
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_STOPPED);
        ck_assert_uint_eq(moments_found[0].since_ms, 1000);
        /* Another process with its number. */
        moments[FIRST].process.stat.start_time = 1;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

static void leave_unread(Moment *moment)
{
        moment->sockets[0].receive_queue = 20;
}

START_TEST(unread_is_what_nobody_read_while_its_thread_slept)
{
        uint64_t oldest_ms;

        moments_make();
        moments_change(leave_unread);
        ck_assert_uint_eq(moments_diagnose(), 1);
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_UNREAD);
        ck_assert_uint_eq(moments_found[0].amount, 20);
        ck_assert_int_eq(moments_found[0].set, SET);
        ck_assert_uint_eq(count_unserved(&moments[FIRST].sample, &moments[SECOND].sample,
                                         &moments[SECOND].process, &moments[SECOND].sets[0],
                                         &oldest_ms),
                          1);
        ck_assert_uint_eq(oldest_ms, 4010);
}
END_TEST

START_TEST(what_only_looks_unread_is_not_told)
{
        /* As much again came, and as much was read. */
        moments_make();
        moments_change(leave_unread);
        moments[SECOND].sockets[0].times.bytes_received += 20;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* Its thread had a turn, though it sleeps again. */
        moments_make();
        moments_change(leave_unread);
        moments[SECOND].threads[0].runs++;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* A set that is not edge-triggered tells again: who waits for it was not told for a reason.
         */
        moments_make();
        moments_change(leave_unread);
        moments[SECOND].entry.events = EPOLLIN;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* It does not want to know. */
        moments[SECOND].entry.events = EPOLLOUT | EPOLLET;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* They have just come. */
        moments_make();
        moments_change(leave_unread);
        moments[SECOND].sockets[0].times.received_ms = DIAGNOSIS_UNREAD_MS - 1;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* Another connection has the inode by now. */
        moments_make();
        moments_change(leave_unread);
        moments[SECOND].sockets[0].cookie = 2;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* It cannot send. */
        moments_make();
        moments_change(leave_unread);
        moments[SECOND].sockets[0].send_queue = 1;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* The entry is of a descriptor that was closed and is another's now. */
        moments_make();
        moments_change(leave_unread);
        moments[SECOND].entry.number = SOCKET + 1;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* The kernel did not tell the times. */
        moments_make();
        moments_change(leave_unread);
        moments[SECOND].sockets[0].times.known = false;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

/* Its thread is in no call, and has bytes to read. */
static void run_on(Moment *moment)
{
        leave_unread(moment);
        moment->entry.events = EPOLLIN;
        moment->threads[0].state = 'R';
        moment->threads[0].call = -1;
        moment->threads[0].switches_known = true;
}

START_TEST(busy_is_who_ran_all_the_time_and_served_nobody)
{
        ThreadState *thread = &moments[SECOND].threads[0];

        moments_make();
        moments_change(run_on);
        thread->read_ns = 1000;
        thread->run_ns = 900;
        thread->delay_ns = 100;
        ck_assert_uint_eq(moments_diagnose(), 1);
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_BUSY);
        ck_assert_uint_eq(moments_found[0].amount, 1);
        ck_assert_uint_eq(moments_found[0].oldest_ms, 4010);
        ck_assert_uint_eq(moments_found[0].loop.percent, 90);
        thread->run_ns = 100;
        thread->delay_ns = 900;
        ck_assert_uint_eq(moments_diagnose(), 1);
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_STARVED);
        ck_assert_uint_eq(moments_found[0].loop.percent, 10);
        /* It slept in between. */
        thread->switches = 1;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* It has nothing to serve. */
        moments_make();
        moments_change(run_on);
        moments[FIRST].sockets[0].receive_queue = 0;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

/* Its thread waits for something else. */
static void sleep_elsewhere(Moment *moment)
{
        leave_unread(moment);
        moment->threads[0].call = SYS_futex;
}

START_TEST(blocked_is_who_slept_elsewhere_and_served_nobody)
{
        moments_make();
        moments_change(sleep_elsewhere);
        ck_assert_uint_eq(moments_diagnose(), 1);
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_BLOCKED);
        ck_assert_int_eq(moments_found[0].loop.call, SYS_futex);
        ck_assert_int_eq(moments_found[0].loop.number, -1);
        moments[SECOND].threads[0].runs++;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* What it waits for may be the set. */
        moments_make();
        moments_change(sleep_elsewhere);
        moments[FIRST].threads[0].call = moments[SECOND].threads[0].call = SYS_ppoll;
        ck_assert_uint_eq(moments_diagnose(), 0);
        moments[FIRST].threads[0].call = moments[SECOND].threads[0].call = SYS_epoll_pwait;
        moments[FIRST].threads[0].argument = moments[SECOND].threads[0].argument = SET + 1;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* It is not to be seen which call. */
        moments_make();
        moments_change(sleep_elsewhere);
        moments[SECOND].threads[0].call_known = false;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

START_TEST(of_several_threads_it_may_be_another)
{
        static ThreadState threads[MOMENTS][2];

        moments_make();
        moments_change(sleep_elsewhere);
        for (size_t i = 0; i < MOMENTS; i++) {
                threads[i][0] = threads[i][1] = moments[i].threads[0];
                threads[i][1].tid++;
                moments[i].process.threads = threads[i];
                moments[i].process.thread_count = 2;
        }
        ck_assert_uint_eq(moments_diagnose(), 1);
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_NOBODY_WAITS);
        /* One sleeps again. */
        threads[SECOND][1].runs++;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

/* It has what its peer does not take. */
static void send_in_vain(Moment *moment)
{
        moment->sockets[0].send_queue = 30;
        moment->sockets[0].probing = true;
        moment->sockets[0].times.sent_ms = DIAGNOSIS_NOT_READING_MS;
}

START_TEST(not_reading_is_who_took_nothing_all_the_time)
{
        moments_make();
        moments_change(send_in_vain);
        ck_assert_uint_eq(moments_diagnose(), 1);
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_PEER_NOT_READING);
        ck_assert_uint_eq(moments_found[0].amount, 30);
        /* It took some. */
        moments[SECOND].sockets[0].times.bytes_acked++;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* There was room before. */
        moments_make();
        moments_change(send_in_vain);
        moments[FIRST].sockets[0].probing = false;
        ck_assert_uint_eq(moments_diagnose(), 0);
        moments_make();
        moments_change(send_in_vain);
        moments[SECOND].sockets[0].times.sent_ms--;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

/* Sent several times, and not acknowledged. */
static void send_to_nobody(Moment *moment)
{
        moment->sockets[0].send_queue = 30;
        moment->sockets[0].resent = DIAGNOSIS_RESENT_MIN;
        moment->sockets[0].times.heard_ms = DIAGNOSIS_SILENT_MS;
}

START_TEST(silent_is_who_was_sent_the_same_several_times)
{
        moments_make();
        moments_change(send_to_nobody);
        ck_assert_uint_eq(moments_diagnose(), 1);
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_PEER_SILENT);
        ck_assert_uint_eq(moments_found[0].since_ms, DIAGNOSIS_SILENT_MS);
        ck_assert_uint_eq(moments_found[0].amount, 30);
        /* It has acknowledged some. */
        moments[SECOND].sockets[0].times.bytes_acked++;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* It was heard of. */
        moments_make();
        moments_change(send_to_nobody);
        moments[SECOND].sockets[0].times.heard_ms--;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* Twice may be a loss. */
        moments_make();
        moments_change(send_to_nobody);
        moments[SECOND].sockets[0].resent--;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* It does not even answer the first. */
        moments_make();
        moments_change(send_to_nobody);
        for (size_t i = 0; i < MOMENTS; i++) {
                moments[i].sockets[0].state = TCP_SYN_SENT;
                moments[i].sockets[0].send_queue = 0;
                moments[i].sockets[0].resent = DIAGNOSIS_CONNECTING_RESENT_MIN;
        }
        ck_assert_uint_eq(moments_diagnose(), 1);
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_PEER_SILENT);
        ck_assert_uint_eq(moments_found[0].since_ms, 1000);
        /* It is a listener here, which has no room. */
        moments[SECOND].sockets[0].inet.peer_port = 80;
        moments[SECOND].sockets[1] = (Socket){.kind = SOCKET_TCP,
                                              .family = AF_INET,
                                              .state = TCP_LISTEN,
                                              .inode = INODE + 1,
                                              .inet = {.local_port = 80}};
        moments[SECOND].sample.sockets.count = 2;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

/* Closed by the peer, which was read. */
static void close_peer(Moment *moment)
{
        moment->sockets[0].state = TCP_CLOSE_WAIT;
        moment->sockets[0].times.heard_ms = DIAGNOSIS_NOT_CLOSED_MS;
}

START_TEST(not_closed_is_what_only_the_peer_closed_some_time_ago)
{
        moments_make();
        moments_change(close_peer);
        ck_assert_uint_eq(moments_diagnose(), 1);
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_NOT_CLOSED);
        ck_assert_uint_eq(moments_found[0].since_ms, DIAGNOSIS_NOT_CLOSED_MS);
        /* It still answers. */
        moments[SECOND].sockets[0].times.bytes_acked++;
        ck_assert_uint_eq(moments_diagnose(), 0);
        moments_make();
        moments_change(close_peer);
        moments[SECOND].sockets[0].send_queue = 1;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* A moment ago. */
        moments_make();
        moments_change(close_peer);
        moments[SECOND].sockets[0].times.heard_ms--;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

/* A listener at port 80, and a connection that nobody has accepted. */
static void listen_there(Moment *moment)
{
        moment->sockets[1] = (Socket){
                .kind = SOCKET_TCP,
                .family = AF_INET,
                .state = TCP_LISTEN,
                .inode = INODE,
                .receive_queue = 1,
                .send_queue = 1,
                .cookie = 3,
                .inet = {.local_port = 80},
        };
        moment->sockets[0] = (Socket){
                .kind = SOCKET_TCP,
                .family = AF_INET,
                .state = TCP_ESTABLISHED,
                .cookie = 2,
                .inet = {.local = {1}, .local_port = 80},
        };
        moment->entry.events = EPOLLIN;
        moment->sample.sockets.count = 2;
        moment->sample.sockets.unaccepted = 1;
}

START_TEST(not_accepted_is_who_waited_all_the_time)
{
        moments_make();
        moments_change(listen_there);
        ck_assert_uint_eq(moments_diagnose(), 1);
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_NOT_ACCEPTED);
        ck_assert_uint_eq(moments_found[0].since_ms, 1000);
        moments[SECOND].sockets[0].times.sent_ms = 7000;
        moments_diagnose();
        ck_assert_uint_eq(moments_found[0].since_ms, 7000);
        moments[FIRST].sockets[1].receive_queue = moments[SECOND].sockets[1].receive_queue = 2;
        moments_diagnose();
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_BACKLOG_FULL);
        /* It was full for a moment. */
        moments[FIRST].sockets[1].receive_queue = 1;
        moments_diagnose();
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_BACKLOG_GROWS);
        /* More wait than before. */
        moments[FIRST].sockets[1].send_queue = moments[SECOND].sockets[1].send_queue = 8;
        moments_diagnose();
        ck_assert_int_eq(moments_found[0].kind, DIAGNOSIS_BACKLOG_GROWS);
        ck_assert_uint_eq(moments_found[0].amount_before, 1);
        /* As many wait, and others than before. */
        moments[FIRST].sockets[0].cookie = 9;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* At another port. */
        moments_make();
        moments_change(listen_there);
        moments[SECOND].sockets[0].inet.local_port = 81;
        ck_assert_uint_eq(moments_diagnose(), 0);
}
END_TEST

START_TEST(of_two_listeners_at_one_address_the_other_may_be_meant)
{
        Moment *second = &moments[SECOND];

        moments_make();
        moments_change(listen_there);
        /* One has waited, one is new; and each listener has one. */
        second->sockets[3] = second->sockets[1];
        second->sockets[3].inode = INODE + 1;
        second->sockets[2] = second->sockets[1];
        second->sockets[1] = second->sockets[0];
        second->sockets[1].cookie = 4;
        second->sample.sockets.count = 4;
        second->sample.sockets.unaccepted = 2;
        ck_assert_uint_eq(moments_diagnose(), 0);
        /* Both have waited. */
        moments[FIRST].sockets[2] = moments[FIRST].sockets[1];
        moments[FIRST].sockets[1] = second->sockets[1];
        moments[FIRST].sample.sockets.count = 3;
        moments[FIRST].sample.sockets.unaccepted = 2;
        ck_assert_uint_eq(moments_diagnose(), 1);
}
END_TEST

TEST_SUITE(test_diagnosis)
{
        TCase *tc = tcase_create("diagnosis");

        tcase_add_test(tc, of_one_that_sleeps_there_is_nothing_to_tell);
        tcase_add_test(tc, stopped_is_who_was_stopped_all_the_time);
        tcase_add_test(tc, unread_is_what_nobody_read_while_its_thread_slept);
        tcase_add_test(tc, what_only_looks_unread_is_not_told);
        tcase_add_test(tc, busy_is_who_ran_all_the_time_and_served_nobody);
        tcase_add_test(tc, blocked_is_who_slept_elsewhere_and_served_nobody);
        tcase_add_test(tc, of_several_threads_it_may_be_another);
        tcase_add_test(tc, not_reading_is_who_took_nothing_all_the_time);
        tcase_add_test(tc, silent_is_who_was_sent_the_same_several_times);
        tcase_add_test(tc, not_closed_is_what_only_the_peer_closed_some_time_ago);
        tcase_add_test(tc, not_accepted_is_who_waited_all_the_time);
        tcase_add_test(tc, of_two_listeners_at_one_address_the_other_may_be_meant);
        suite_add_tcase(suite, tc);
}
