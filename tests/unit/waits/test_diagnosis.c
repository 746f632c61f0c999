/*
 * Diagnoses from two samples that are made up here: each is told, and none of what looks like it
 * and is what a healthy program does.
 */
#include "tests/support/fixture.h"
#include "waits/diagnosis.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

enum { FIRST, SECOND, SAMPLES, SOCKETS = 4, SET = 5, SOCKET = 7, INODE = 100 };

/* A process that sleeps in its wait for a set with one entry: a connection. */
typedef struct Moment {
        Sample sample;
        Process process;
        Descriptor descriptors[2];
        ThreadState thread;
        WaitSet set;
        WaitEntry entry;
        Socket sockets[SOCKETS];
} Moment;

static Moment moments[SAMPLES];
static Diagnosis found[8];
static size_t found_count;

static void make_moment(Moment *moment, uint64_t ms)
{
        *moment = (Moment){
                .sample = {.began_ms = ms, .ended_ms = ms + 10, .count = 1},
                .process = {.pid = 1000, .set_count = 1, .thread_count = 1},
                .descriptors = {{.number = SET, .kind = DESCRIPTOR_SET},
                                {.number = SOCKET, .kind = DESCRIPTOR_SOCKET, .inode = INODE}},
                .thread = {.tid = 1000,
                           .state = 'S',
                           .call_known = true,
                           .call = SYS_epoll_pwait,
                           .argument = SET,
                           .runs_known = true,
                           .runs = 3},
                .set = {.number = SET, .count = 1},
                .entry = {.inode = INODE, .number = SOCKET, .events = EPOLLIN | EPOLLET},
        };
        moment->process.stat.state = 'S';
        moment->process.descriptors = (DescriptorTable){2, moment->descriptors};
        moment->process.threads = &moment->thread;
        moment->process.sets = &moment->set;
        moment->set.entries = &moment->entry;
        moment->sample.processes = &moment->process;
        moment->sample.sockets.sockets = moment->sockets;
        moment->sample.sockets.count = 1;
        moment->sockets[0] = (Socket){
                .kind = SOCKET_TCP,
                .family = AF_INET,
                .state = TCP_ESTABLISHED,
                .inode = INODE,
                .cookie = 1,
                .times = {.known = true, .bytes_received = 50, .received_ms = (uint32_t)ms},
        };
}

static void make(void)
{
        make_moment(&moments[FIRST], 3000);
        make_moment(&moments[SECOND], 4010);
}

static void keep(void *data, const Diagnosis *diagnosis)
{
        (void)data;
        ck_assert_uint_lt(found_count, sizeof(found) / sizeof(found[0]));
        found[found_count++] = *diagnosis;
}

static size_t diagnose_all(void)
{
        found_count = 0;
        diagnose(&moments[FIRST].sample, &moments[SECOND].sample, &moments[SECOND].process, keep,
                 NULL);
        return found_count;
}

static void in_both(void (*change)(Moment *moment))
{
        change(&moments[FIRST]);
        change(&moments[SECOND]);
}

START_TEST(of_one_that_sleeps_there_is_nothing_to_tell)
{
        make();
        ck_assert_uint_eq(diagnose_all(), 0);
        ck_assert_int_eq(
                loop_look(&moments[FIRST].process, &moments[SECOND].process, &moments[SECOND].set)
                        .state,
                LOOP_ASLEEP);
}
END_TEST

START_TEST(stopped_is_who_was_stopped_all_the_time)
{
        make();
        moments[SECOND].process.stat.state = 'T';
        ck_assert_uint_eq(diagnose_all(), 0);
        moments[FIRST].process.stat.state = 'T';
        ck_assert_uint_eq(diagnose_all(), 1);
        ck_assert_int_eq(found[0].kind, DIAGNOSIS_STOPPED);
        ck_assert_uint_eq(found[0].since_ms, 1000);
        /* Another process with its number. */
        moments[FIRST].process.stat.start_time = 1;
        ck_assert_uint_eq(diagnose_all(), 0);
}
END_TEST

static void leave_unread(Moment *moment)
{
        moment->sockets[0].receive_queue = 20;
}

START_TEST(unread_is_what_nobody_read_while_its_thread_slept)
{
        uint64_t oldest_ms;

        make();
        in_both(leave_unread);
        ck_assert_uint_eq(diagnose_all(), 1);
        ck_assert_int_eq(found[0].kind, DIAGNOSIS_UNREAD);
        ck_assert_uint_eq(found[0].amount, 20);
        ck_assert_int_eq(found[0].set, SET);
        ck_assert_uint_eq(count_unserved(&moments[FIRST].sample, &moments[SECOND].sample,
                                         &moments[SECOND].process, &moments[SECOND].set,
                                         &oldest_ms),
                          1);
        ck_assert_uint_eq(oldest_ms, 4010);
}
END_TEST

START_TEST(what_only_looks_unread_is_not_told)
{
        /* As much again came, and as much was read. */
        make();
        in_both(leave_unread);
        moments[SECOND].sockets[0].times.bytes_received += 20;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* Its thread had a turn, though it sleeps again. */
        make();
        in_both(leave_unread);
        moments[SECOND].thread.runs++;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* A set that is not edge-triggered tells again: who waits for it was not told for a reason.
         */
        make();
        in_both(leave_unread);
        moments[SECOND].entry.events = EPOLLIN;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* It does not want to know. */
        moments[SECOND].entry.events = EPOLLOUT | EPOLLET;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* They have just come. */
        make();
        in_both(leave_unread);
        moments[SECOND].sockets[0].times.received_ms = DIAGNOSIS_UNREAD_MS - 1;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* Another connection has the inode by now. */
        make();
        in_both(leave_unread);
        moments[SECOND].sockets[0].cookie = 2;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* It cannot send. */
        make();
        in_both(leave_unread);
        moments[SECOND].sockets[0].send_queue = 1;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* The entry is of a descriptor that was closed and is another's now. */
        make();
        in_both(leave_unread);
        moments[SECOND].entry.number = SOCKET + 1;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* The kernel did not tell the times. */
        make();
        in_both(leave_unread);
        moments[SECOND].sockets[0].times.known = false;
        ck_assert_uint_eq(diagnose_all(), 0);
}
END_TEST

/* Its thread is in no call, and has bytes to read. */
static void run_on(Moment *moment)
{
        leave_unread(moment);
        moment->entry.events = EPOLLIN;
        moment->thread.state = 'R';
        moment->thread.call = -1;
        moment->thread.switches_known = true;
}

START_TEST(busy_is_who_ran_all_the_time_and_served_nobody)
{
        ThreadState *thread = &moments[SECOND].thread;

        make();
        in_both(run_on);
        thread->read_ns = 1000;
        thread->run_ns = 900;
        thread->delay_ns = 100;
        ck_assert_uint_eq(diagnose_all(), 1);
        ck_assert_int_eq(found[0].kind, DIAGNOSIS_BUSY);
        ck_assert_uint_eq(found[0].amount, 1);
        ck_assert_uint_eq(found[0].oldest_ms, 4010);
        ck_assert_uint_eq(found[0].loop.percent, 90);
        thread->run_ns = 100;
        thread->delay_ns = 900;
        ck_assert_uint_eq(diagnose_all(), 1);
        ck_assert_int_eq(found[0].kind, DIAGNOSIS_STARVED);
        ck_assert_uint_eq(found[0].loop.percent, 10);
        /* It slept in between. */
        thread->switches = 1;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* It has nothing to serve. */
        make();
        in_both(run_on);
        moments[FIRST].sockets[0].receive_queue = 0;
        ck_assert_uint_eq(diagnose_all(), 0);
}
END_TEST

/* Its thread waits for something else. */
static void sleep_elsewhere(Moment *moment)
{
        leave_unread(moment);
        moment->thread.call = SYS_futex;
}

START_TEST(blocked_is_who_slept_elsewhere_and_served_nobody)
{
        make();
        in_both(sleep_elsewhere);
        ck_assert_uint_eq(diagnose_all(), 1);
        ck_assert_int_eq(found[0].kind, DIAGNOSIS_BLOCKED);
        ck_assert_int_eq(found[0].loop.call, SYS_futex);
        ck_assert_int_eq(found[0].loop.number, -1);
        moments[SECOND].thread.runs++;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* What it waits for may be the set. */
        make();
        in_both(sleep_elsewhere);
        moments[FIRST].thread.call = moments[SECOND].thread.call = SYS_ppoll;
        ck_assert_uint_eq(diagnose_all(), 0);
        moments[FIRST].thread.call = moments[SECOND].thread.call = SYS_epoll_pwait;
        moments[FIRST].thread.argument = moments[SECOND].thread.argument = SET + 1;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* It is not to be seen which call. */
        make();
        in_both(sleep_elsewhere);
        moments[SECOND].thread.call_known = false;
        ck_assert_uint_eq(diagnose_all(), 0);
}
END_TEST

START_TEST(of_several_threads_it_may_be_another)
{
        static ThreadState threads[SAMPLES][2];

        make();
        in_both(sleep_elsewhere);
        for (size_t i = 0; i < SAMPLES; i++) {
                threads[i][0] = threads[i][1] = moments[i].thread;
                threads[i][1].tid++;
                moments[i].process.threads = threads[i];
                moments[i].process.thread_count = 2;
        }
        ck_assert_uint_eq(diagnose_all(), 0);
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
        make();
        in_both(send_in_vain);
        ck_assert_uint_eq(diagnose_all(), 1);
        ck_assert_int_eq(found[0].kind, DIAGNOSIS_PEER_NOT_READING);
        ck_assert_uint_eq(found[0].amount, 30);
        /* It took some. */
        moments[SECOND].sockets[0].times.bytes_acked++;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* There was room before. */
        make();
        in_both(send_in_vain);
        moments[FIRST].sockets[0].probing = false;
        ck_assert_uint_eq(diagnose_all(), 0);
        make();
        in_both(send_in_vain);
        moments[SECOND].sockets[0].times.sent_ms--;
        ck_assert_uint_eq(diagnose_all(), 0);
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
        make();
        in_both(close_peer);
        ck_assert_uint_eq(diagnose_all(), 1);
        ck_assert_int_eq(found[0].kind, DIAGNOSIS_NOT_CLOSED);
        ck_assert_uint_eq(found[0].since_ms, DIAGNOSIS_NOT_CLOSED_MS);
        /* It still answers. */
        moments[SECOND].sockets[0].times.bytes_acked++;
        ck_assert_uint_eq(diagnose_all(), 0);
        make();
        in_both(close_peer);
        moments[SECOND].sockets[0].send_queue = 1;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* A moment ago. */
        make();
        in_both(close_peer);
        moments[SECOND].sockets[0].times.heard_ms--;
        ck_assert_uint_eq(diagnose_all(), 0);
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
        make();
        in_both(listen_there);
        ck_assert_uint_eq(diagnose_all(), 1);
        ck_assert_int_eq(found[0].kind, DIAGNOSIS_NOT_ACCEPTED);
        ck_assert_uint_eq(found[0].since_ms, 1000);
        moments[SECOND].sockets[0].times.sent_ms = 7000;
        diagnose_all();
        ck_assert_uint_eq(found[0].since_ms, 7000);
        moments[FIRST].sockets[1].receive_queue = moments[SECOND].sockets[1].receive_queue = 2;
        diagnose_all();
        ck_assert_int_eq(found[0].kind, DIAGNOSIS_BACKLOG_FULL);
        /* It was full for a moment. */
        moments[FIRST].sockets[1].receive_queue = 1;
        diagnose_all();
        ck_assert_int_eq(found[0].kind, DIAGNOSIS_NOT_ACCEPTED);
        /* As many wait, and others than before. */
        moments[FIRST].sockets[0].cookie = 9;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* At another port. */
        make();
        in_both(listen_there);
        moments[SECOND].sockets[0].inet.local_port = 81;
        ck_assert_uint_eq(diagnose_all(), 0);
}
END_TEST

START_TEST(of_two_listeners_at_one_address_the_other_may_be_meant)
{
        Moment *second = &moments[SECOND];

        make();
        in_both(listen_there);
        /* One has waited, one is new; and each listener has one. */
        second->sockets[3] = second->sockets[1];
        second->sockets[3].inode = INODE + 1;
        second->sockets[2] = second->sockets[1];
        second->sockets[1] = second->sockets[0];
        second->sockets[1].cookie = 4;
        second->sample.sockets.count = 4;
        second->sample.sockets.unaccepted = 2;
        ck_assert_uint_eq(diagnose_all(), 0);
        /* Both have waited. */
        moments[FIRST].sockets[2] = moments[FIRST].sockets[1];
        moments[FIRST].sockets[1] = second->sockets[1];
        moments[FIRST].sample.sockets.count = 3;
        moments[FIRST].sample.sockets.unaccepted = 2;
        ck_assert_uint_eq(diagnose_all(), 1);
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
        tcase_add_test(tc, not_closed_is_what_only_the_peer_closed_some_time_ago);
        tcase_add_test(tc, not_accepted_is_who_waited_all_the_time);
        tcase_add_test(tc, of_two_listeners_at_one_address_the_other_may_be_meant);
        suite_add_tcase(suite, tc);
}
