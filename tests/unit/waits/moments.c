/* Samples that are made up. See moments.h. */
#include "tests/unit/waits/moments.h"

#include <check.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

Moment moments[MOMENTS];
Diagnosis moments_found[8];
size_t moments_found_count;

static void make(Moment *moment, uint64_t ms)
{
        *moment = (Moment){
                .sample = {.began_ms = ms, .ended_ms = ms + 10, .count = 1},
                .process = {.pid = 1000, .set_count = 1, .thread_count = 1},
                .descriptors = {{.number = SET, .kind = DESCRIPTOR_SET},
                                {.number = SOCKET, .kind = DESCRIPTOR_SOCKET, .inode = INODE}},
                .threads = {{.tid = 1000,
                             .state = 'S',
                             .call_known = true,
                             .call = SYS_epoll_pwait,
                             .argument = SET,
                             .runs_known = true,
                             .runs = 3}},
                .sets = {{.number = SET, .count = 1}},
                .entry = {.inode = INODE, .number = SOCKET, .events = EPOLLIN | EPOLLET},
        };
        moment->process.stat.state = 'S';
        moment->process.descriptors = (DescriptorTable){2, moment->descriptors};
        moment->process.threads = moment->threads;
        moment->process.sets = moment->sets;
        moment->process.timers = &moment->timer;
        moment->sets[0].entries = &moment->entry;
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

void moments_make(void)
{
        make(&moments[FIRST], 3000);
        make(&moments[SECOND], 4010);
}

void moments_change(void (*change)(Moment *moment))
{
        change(&moments[FIRST]);
        change(&moments[SECOND]);
}

static void keep(void *data, const Diagnosis *diagnosis)
{
        (void)data;
        ck_assert_uint_lt(moments_found_count, sizeof(moments_found) / sizeof(moments_found[0]));
        moments_found[moments_found_count++] = *diagnosis;
}

size_t moments_diagnose(void)
{
        moments_found_count = 0;
        diagnose(&moments[FIRST].sample, &moments[SECOND].sample, &moments[SECOND].process, keep,
                 NULL);
        return moments_found_count;
}
