/*
 * Chains between processes that are made up here: each link is told, and none where nothing holds
 * up.
 */
#include "tests/support/fixture.h"
#include "waits/chain.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

enum { FIRST, SECOND, SAMPLES };
enum { CLIENT, SERVER, PROCESSES };
/* In the order of their inodes: the one that nobody has accepted is first. */
enum { UNACCEPTED, OURS, THEIRS, LISTENER, SOCKETS };
enum { OUR_INODE = 100, THEIR_INODE = 101, LISTENER_INODE = 102, PIPE_INODE = 200, PIPE = 8 };

typedef struct Actor {
        Descriptor descriptors[3];
        ThreadState thread;
        WaitSet set;
} Actor;

/* A client that has a connection to a server; both sleep in their sets. */
typedef struct Moment {
        Sample sample;
        Process processes[PROCESSES];
        Actor actors[PROCESSES];
        Socket sockets[SOCKETS];
} Moment;

static Moment moments[SAMPLES];
static Chain chain;

static Socket make_socket(uint32_t inode, uint16_t local_port, uint16_t peer_port)
{
        return (Socket){
                .kind = SOCKET_TCP,
                .family = AF_INET,
                .state = TCP_ESTABLISHED,
                .inode = inode,
                .cookie = inode,
                .times = {.known = true, .bytes_received = 50, .sent_ms = 9000},
                .inet = {.local = {htonl(INADDR_LOOPBACK)},
                         .peer = {htonl(INADDR_LOOPBACK)},
                         .local_port = htons(local_port),
                         .peer_port = htons(peer_port)},
        };
}

static void make_actor(Moment *moment, size_t which)
{
        Process *process = &moment->processes[which];
        Actor *actor = &moment->actors[which];

        *process = (Process){.pid = 1000 + (pid_t)which, .thread_count = 1, .set_count = 1};
        *actor = (Actor){
                .descriptors = {{.number = 5, .kind = DESCRIPTOR_SET},
                                {.number = 7,
                                 .kind = DESCRIPTOR_SOCKET,
                                 .inode = OUR_INODE + which}},
                .thread = {.tid = process->pid,
                           .state = 'S',
                           .call_known = true,
                           .call = SYS_epoll_pwait,
                           .argument = 5,
                           .runs_known = true,
                           .switches_known = true},
                .set = {.number = 5},
        };
        process->stat.state = 'S';
        process->descriptors = (DescriptorTable){2, actor->descriptors};
        process->threads = &actor->thread;
        process->sets = &actor->set;
}

static void make(void)
{
        for (size_t i = 0; i < SAMPLES; i++) {
                Moment *moment = &moments[i];

                *moment = (Moment){.sample = {.began_ms = 3000 + 1010 * i}};
                moment->sample.ended_ms = moment->sample.began_ms + 10;
                for (size_t j = 0; j < PROCESSES; j++)
                        make_actor(moment, j);
                moment->sockets[UNACCEPTED] = make_socket(0, 80, 5001);
                moment->sockets[OURS] = make_socket(OUR_INODE, 5000, 80);
                moment->sockets[THEIRS] = make_socket(THEIR_INODE, 80, 5000);
                moment->sockets[LISTENER] = make_socket(LISTENER_INODE, 80, 0);
                moment->sockets[LISTENER].state = TCP_LISTEN;
                moment->sample.processes = moment->processes;
                moment->sample.count = PROCESSES;
                moment->sample.sockets.sockets = moment->sockets;
                moment->sample.sockets.count = SOCKETS;
                moment->sample.sockets.unaccepted = 1;
        }
}

static void in_both(void (*change)(Moment *moment))
{
        change(&moments[FIRST]);
        change(&moments[SECOND]);
}

static size_t follow(size_t from)
{
        ck_assert_int_eq(chain_follow(&chain, &moments[FIRST].sample, &moments[SECOND].sample,
                                      &moments[SECOND].processes[from]),
                         0);
        return chain.count;
}

static const Process *process_of(size_t which)
{
        return &moments[SECOND].processes[which];
}

static void leave_unread(Moment *moment)
{
        moment->sockets[THEIRS].receive_queue = 20;
        moment->sockets[THEIRS].times.received_ms = 4000;
}

START_TEST(of_two_that_are_done_nobody_waits)
{
        make();
        ck_assert_uint_eq(follow(CLIENT), 0);
        ck_assert_uint_eq(follow(SERVER), 0);
}
END_TEST

START_TEST(who_is_not_read_waits_for_the_reader)
{
        make();
        in_both(leave_unread);
        ck_assert_uint_eq(follow(CLIENT), 1);
        ck_assert_int_eq(chain.links[0].reason, CHAIN_NOT_READ);
        ck_assert_ptr_eq(chain.links[0].next, process_of(SERVER));
        ck_assert_uint_eq(chain.links[0].amount, 20);
        ck_assert_uint_eq(chain.links[0].since_ms, 4000);
        ck_assert(!chain.is_circle && !chain.is_cut);
        ck_assert_uint_eq(follow(SERVER), 0);
        /* It read, and as much came again. */
        moments[SECOND].sockets[THEIRS].times.bytes_received += 20;
        ck_assert_uint_eq(follow(CLIENT), 0);
}
END_TEST

/* The server's end is of a listener of both families. */
static void be_of_the_other_family(Moment *moment)
{
        Socket *theirs = &moment->sockets[THEIRS];

        leave_unread(moment);
        theirs->family = AF_INET6;
        for (size_t i = 0; i < 2; i++) {
                uint32_t *host = i == 0 ? theirs->inet.local : theirs->inet.peer;

                host[3] = host[0];
                host[2] = htonl(0xffff);
                host[0] = 0;
        }
}

START_TEST(an_address_is_the_same_in_both_families)
{
        make();
        in_both(be_of_the_other_family);
        ck_assert_uint_eq(follow(CLIENT), 1);
        ck_assert_ptr_eq(chain.links[0].next, process_of(SERVER));
}
END_TEST

/* The client's connection is the one in the backlog; the server has the listener. */
static void leave_in_the_backlog(Moment *moment)
{
        moment->sockets[OURS].inet.local_port = htons(5001);
        moment->sockets[LISTENER].receive_queue = 1;
        moment->sockets[LISTENER].send_queue = 1;
        moment->actors[SERVER].descriptors[1].inode = LISTENER_INODE;
}

START_TEST(who_is_not_accepted_waits_for_the_listeners_process)
{
        make();
        in_both(leave_in_the_backlog);
        ck_assert_uint_eq(follow(CLIENT), 1);
        ck_assert_int_eq(chain.links[0].reason, CHAIN_NOT_ACCEPTED);
        ck_assert_ptr_eq(chain.links[0].next, process_of(SERVER));
        ck_assert_ptr_eq(chain.links[0].there, &moments[SECOND].sockets[LISTENER]);
        ck_assert_uint_eq(chain.links[0].since_ms, 9000);
        /* It has just been made. */
        moments[FIRST].sockets[UNACCEPTED].cookie = 9;
        ck_assert_uint_eq(follow(CLIENT), 0);
}
END_TEST

static void be_full(Moment *moment)
{
        leave_in_the_backlog(moment);
        moment->sockets[LISTENER].receive_queue = 2;
        moment->sockets[OURS].inet.local_port = htons(5002);
        moment->sockets[OURS].state = TCP_SYN_SENT;
}

START_TEST(who_finds_no_room_waits_for_the_listeners_process)
{
        make();
        in_both(be_full);
        ck_assert_uint_eq(follow(CLIENT), 1);
        ck_assert_int_eq(chain.links[0].reason, CHAIN_NO_ROOM);
        ck_assert_ptr_eq(chain.links[0].next, process_of(SERVER));
        /* There is room again. */
        moments[SECOND].sockets[LISTENER].receive_queue = 1;
        ck_assert_uint_eq(follow(CLIENT), 0);
}
END_TEST

static void read_pipe_of(Moment *moment, size_t reader, size_t writer)
{
        Actor *actors = moment->actors;

        actors[reader].descriptors[2] = (Descriptor){.number = PIPE,
                                                     .kind = DESCRIPTOR_PIPE,
                                                     .reads = true,
                                                     .inode = PIPE_INODE + reader};
        actors[reader].thread.call = SYS_read;
        actors[reader].thread.argument = PIPE;
        actors[writer].descriptors[2] = (Descriptor){.number = PIPE + 1,
                                                     .kind = DESCRIPTOR_PIPE,
                                                     .writes = true,
                                                     .inode = PIPE_INODE + reader};
        moment->processes[reader].descriptors.count = 3;
        moment->processes[writer].descriptors.count = 3;
}

static void read_pipe_of_the_server(Moment *moment)
{
        read_pipe_of(moment, CLIENT, SERVER);
}

START_TEST(a_call_leads_to_who_has_the_other_end)
{
        make();
        in_both(read_pipe_of_the_server);
        ck_assert_uint_eq(follow(CLIENT), 1);
        ck_assert_int_eq(chain.links[0].reason, CHAIN_CALL);
        ck_assert_ptr_eq(chain.links[0].next, process_of(SERVER));
        ck_assert_int_eq(chain.links[0].descriptor->number, PIPE);
        /* It had something in between. */
        moments[SECOND].actors[CLIENT].thread.runs++;
        ck_assert_uint_eq(follow(CLIENT), 0);
        /* Who reads has no other end of what others read. */
        make();
        in_both(read_pipe_of_the_server);
        moments[SECOND].actors[SERVER].descriptors[2].writes = false;
        moments[SECOND].actors[SERVER].descriptors[2].reads = true;
        ck_assert_uint_eq(follow(CLIENT), 1);
        ck_assert_ptr_null(chain.links[0].next);
}
END_TEST

/* The server reads a pipe that the client has, which waits for the server to read. */
static void wait_for_each_other(Moment *moment)
{
        leave_unread(moment);
        read_pipe_of(moment, SERVER, CLIENT);
}

START_TEST(a_circle_ends)
{
        make();
        in_both(wait_for_each_other);
        ck_assert_uint_eq(follow(CLIENT), 2);
        ck_assert_int_eq(chain.links[0].reason, CHAIN_NOT_READ);
        ck_assert_int_eq(chain.links[1].reason, CHAIN_CALL);
        ck_assert_ptr_eq(chain.links[1].next, process_of(CLIENT));
        ck_assert(chain.is_circle && !chain.is_cut);
}
END_TEST

/* It has asked, which was read. */
static void ask(Moment *moment)
{
        moment->sockets[OURS].times.sent_ms = 4000;
        moment->sockets[OURS].times.received_ms = 6000;
        moment->sockets[OURS].times.bytes_acked = 20;
        moment->actors[SERVER].thread.state = 'R';
        moment->actors[SERVER].thread.call = -1;
}

START_TEST(for_an_answer_one_waits_where_nothing_else_is_done)
{
        make();
        in_both(ask);
        ck_assert_uint_eq(follow(CLIENT), 1);
        ck_assert_int_eq(chain.links[0].reason, CHAIN_NO_ANSWER);
        ck_assert_uint_eq(chain.links[0].since_ms, 4000);
        /* The server slept: it may have nothing to say. */
        moments[SECOND].actors[SERVER].thread.switches++;
        ck_assert_uint_eq(follow(CLIENT), 0);
        /* It has asked nothing yet. */
        make();
        in_both(ask);
        moments[SECOND].sockets[OURS].times.bytes_acked = 1;
        ck_assert_uint_eq(follow(CLIENT), 0);
        /* Nor does a server wait for its client. */
        make();
        in_both(ask);
        moments[FIRST].sockets[LISTENER].inet.local_port = htons(5000);
        moments[SECOND].sockets[LISTENER].inet.local_port = htons(5000);
        ck_assert_uint_eq(follow(CLIENT), 0);
}
END_TEST

START_TEST(who_is_stopped_or_runs_waits_for_nobody)
{
        make();
        in_both(leave_unread);
        moments[SECOND].processes[CLIENT].stat.state = 'T';
        ck_assert_uint_eq(follow(CLIENT), 0);
        make();
        in_both(leave_unread);
        moments[FIRST].actors[CLIENT].thread.state = 'R';
        moments[SECOND].actors[CLIENT].thread.state = 'R';
        ck_assert_uint_eq(follow(CLIENT), 0);
}
END_TEST

TEST_SUITE(test_chain)
{
        TCase *tc = tcase_create("chain");

        tcase_add_test(tc, of_two_that_are_done_nobody_waits);
        tcase_add_test(tc, who_is_not_read_waits_for_the_reader);
        tcase_add_test(tc, an_address_is_the_same_in_both_families);
        tcase_add_test(tc, who_is_not_accepted_waits_for_the_listeners_process);
        tcase_add_test(tc, who_finds_no_room_waits_for_the_listeners_process);
        tcase_add_test(tc, a_call_leads_to_who_has_the_other_end);
        tcase_add_test(tc, a_circle_ends);
        tcase_add_test(tc, for_an_answer_one_waits_where_nothing_else_is_done);
        tcase_add_test(tc, who_is_stopped_or_runs_waits_for_nobody);
        suite_add_tcase(suite, tc);
}
