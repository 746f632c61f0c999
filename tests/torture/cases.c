/* The table of faults. See torture.h. */
#include "tests/torture/torture.h"

#define BESIDE "a healthy client's p99 is at most 1.5 times its quiet p99"

const TortureCase torture_cases[] = {
        {"outage-with-fallback", "The daemon dies; its clients may serve themselves",
         "`kill -9` 1,000 times, at random moments, under echo load by 10 processes with 100 "
         "connections each; the clients and their server allow the local driver",
         "no round trip fails or is lost; none waits longer than 20 ms",
         torture_outage_with_fallback, NULL, 0},
        {"outage", "The daemon dies; its clients wait for the next one",
         "the same, without the local driver",
         "no round trip fails or is lost; none waits longer than the restart and 100 ms",
         torture_outage, NULL, 0},
        {"stopped-daemon", "The daemon hangs and lives; its clients may serve themselves",
         "SIGSTOP 100 times, for 500 ms each, under the same load; a daemon that was silent for "
         "100 ms is taken for lost",
         "no round trip fails or is lost; none waits longer than 200 ms", torture_stopped_daemon,
         NULL, 0},
        {"request-flood", "A flood of requests",
         "8 sessions send GetStatus, ListSessions and ListRegistrations as fast as they are read",
         BESIDE, torture_beside, "request-flood", 0, 0},
        {"connection-flood", "A flood of connections",
         "connections come and go as fast as they can, half of them with a Hello; 256 more stay "
         "and "
         "say nothing",
         BESIDE, torture_beside, "connection-flood", 0, 0},
        {"descriptor-flood", "A flood of descriptors",
         "full packets of 253, over and over 4,048 slots in use, each time in a new generation",
         BESIDE, torture_beside, "descriptor-flood", 0, 0},
        {"never-reading", "Clients that never read",
         "16 sessions ask for lists and wait for busy descriptors, and read nothing", BESIDE,
         torture_beside, "never-reading", 0, 0},
        {"dead-unread", "In flight of the dead",
         "one session after the other is passed a descriptor, leaves it unread and is ended; 512 "
         "of "
         "them stay open at the attacker's",
         BESIDE, torture_beside, "dead-unread", 0, 0},
        {"sigstop", "A client that is stopped",
         "4,048 registrations, on all of which something happens, and SIGSTOP", BESIDE,
         torture_beside, "sigstop", 0, 0},
        {"linger", "Sockets that linger",
         "TCP connections with SO_LINGER of 30 s and more unsent than the peer takes, whose last "
         "copy is the daemon's",
         BESIDE "; the loop is never held up for 10 ms", torture_beside, "linger", 0, 0},
        {"hostile-fuse", "A file system that does not answer",
         "copies of a FUSE file whose server has stopped answering",
         BESIDE "; the loop is never held up for 10 ms", torture_beside, "hostile-fuse", 0, 0},
        {"hup", "Descriptors that have hung up",
         "128 pipes without a writer, registered again and again", BESIDE, torture_beside, "hup",
         0},
        {"fork-abuse", "A session used after fork()",
         "children speak in their parent's session and die at random", BESIDE, torture_beside,
         "fork-abuse", 0, 0},
        {"cycles", "Registering and closing without end",
         "eventfds are opened, registered, closed and forgotten, 32 to a packet", BESIDE,
         torture_beside, "cycles", 0, 0},
        {"forged", "Forged and replayed packets",
         "every frame there is, recorded and sent again, under other numbers, with other "
         "descriptors, cut, changed; and random bytes",
         BESIDE, torture_beside, "forged", 0, 0},
        {"killed-clients", "Clients killed at any moment",
         "SIGKILL before they are connected, in the middle of a packet, or later", BESIDE,
         torture_beside, "killed-clients", 0, 0},
        {"unread-log", "A log that nobody reads",
         "its pipe is full; sessions end over nonsense, a line in the log each, as fast as they "
         "can",
         BESIDE "; the daemon stops when it is told to", torture_beside, "nonsense", 0, 0,
         WORLD_UNREAD_LOG},
        {"stopped-manager", "A service manager that is stopped",
         "NOTIFY_SOCKET is full, and the watchdog is to be fed; connections come and go",
         BESIDE "; the daemon stops when it is told to", torture_beside, "connection-flood", 0, 0,
         WORLD_STOPPED_MANAGER},
        {"control", "None: for comparison", "a process that only computes, in place of an attacker",
         "-", torture_beside, "compute", 0, 0},
        {"many-packets", "10⁶ hostile packets", "as forged, as fast as they are served",
         "descriptors and memory are as before", torture_many, "forged", 1000000, 1024},
        {"many-deaths", "10⁵ clients killed at random moments", "as killed-clients",
         "descriptors and memory are as before", torture_many, "killed-clients", 100000, 8192},
        {"many-cycles", "10⁶ registrations made and closed", "as cycles",
         "descriptors and memory are as before", torture_many, "cycles", 1000000, 1024},
        {0},
};
