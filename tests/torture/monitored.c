/*
 * Somebody looks on: sessions come and go all the time, and in turns nobody hears of it, and
 * kyronctl monitor does, while another one is stopped.
 */
#include "tests/torture/neighbours.h"

#include "tests/support/deadline.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
        SPELL_MS = 1500,
        QUICK_SPELL_MS = 150,
        LINE_MS = 20000,
        ENDS_MS = 30000,
        KEPT_KIB = 8192,
};

#define RATIO_TARGET 1.1

/* A monitor, and who reads it. */
typedef struct Monitor {
        Process process;
        pid_t reader; /* 0: nobody */
} Monitor;

typedef struct Monitored {
        World world;
        Neighbours neighbours;
        Process sessions;
        uint64_t *lines; /* that were read; in shared memory */
        double seconds;
} Monitored;

/* As root, which is told of everybody, the monitor is another user than the daemon. */
static void trust_daemon(const World *world)
{
        char user[16];

        snprintf(user, sizeof(user), "%u", (unsigned)world->user);
        if (world->user != (uid_t)-1 && setenv("KYRON_DAEMON_UID", user, 1) < 0)
                torture_fail("no memory");
}

/* Returns once it has told of something. */
static void start_monitor(const Monitored *monitored, Monitor *monitor)
{
        const char *words[] = {
                world_program(&monitored->world, "kyronctl"),
                "--socket",
                monitored->world.socket_path,
                "monitor",
                "--no-waits",
                "--json",
                NULL,
        };
        char line[PROCESS_LINE_MAX];

        monitor->reader = 0;
        process_start(&monitor->process, words, (uid_t)-1, monitored->world.log_path);
        if (!process_read_line(&monitor->process, line, LINE_MS))
                torture_fail("the monitor says nothing; see %s", monitored->world.log_path);
}

static void read_lines(int fd, uint64_t *lines)
{
        char block[65536];
        ssize_t n;

        while ((n = read(fd, block, sizeof(block))) > 0) {
                for (ssize_t i = 0; i < n; i++)
                        *lines += block[i] == '\n';
        }
}

static void start_reader(const Monitored *monitored, Monitor *monitor)
{
        monitor->reader = fork();
        if (monitor->reader < 0)
                torture_fail("fork");
        if (monitor->reader > 0)
                return;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        read_lines(monitor->process.out_fd, monitored->lines);
        _exit(EXIT_SUCCESS);
}

static void end_monitor(Monitor *monitor)
{
        process_kill(&monitor->process);
        if (monitor->reader > 0)
                waitpid(monitor->reader, NULL, 0);
}

static bool take_turn(Monitored *monitored, const Torture *torture, int number, Result *result)
{
        int ms = torture->quick ? QUICK_SPELL_MS : SPELL_MS;
        struct timespec from, to;
        Monitor reading, stopped;
        bool good;

        if (!neighbours_measure(&monitored->neighbours, ms, number, true, result))
                return false;
        start_monitor(monitored, &stopped);
        kill(stopped.process.pid, SIGSTOP);
        start_monitor(monitored, &reading);
        start_reader(monitored, &reading);
        clock_gettime(CLOCK_MONOTONIC, &from);
        good = neighbours_measure(&monitored->neighbours, ms, number, false, result);
        clock_gettime(CLOCK_MONOTONIC, &to);
        monitored->seconds +=
                (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        end_monitor(&reading);
        end_monitor(&stopped);
        return good;
}

static void tell(const Monitored *monitored, int n, Result *result)
{
        double lines = (double)*monitored->lines / monitored->seconds;

        neighbours_tell(&monitored->neighbours, n, RATIO_TARGET, true, result);
        result_say(result, "%.0f lines a second read; ", lines);
        json_object_set_new(result->figures, "lines_a_second", json_real(lines));
        if (lines < 1)
                result_break(result, "the monitor told nothing");
}

static void end_sessions(Process *sessions)
{
        kill(sessions->pid, SIGTERM);
        json_decref(process_read_json(sessions, ENDS_MS));
        process_wait(sessions, ENDS_MS);
}

void torture_monitored(const Torture *torture, const TortureCase *case_, Result *result)
{
        static Monitored monitored;
        int turns = torture->quick ? 1 : NEIGHBOURS_TURNS, n = 0;
        Baseline before;

        monitored = (Monitored){.lines = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE,
                                              MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
        if (monitored.lines == MAP_FAILED)
                torture_fail("no memory");
        world_start(&monitored.world, torture->build, case_->wrong);
        trust_daemon(&monitored.world);
        neighbours_start(&monitored.neighbours, &monitored.world);
        before = world_baseline_at_rest(&monitored.world);
        if (torture_start_attack(&monitored.world, case_, 0, &monitored.sessions, result)) {
                /* One turn before it counts, as beside an attack. */
                if (take_turn(&monitored, torture, 0, result)) {
                        monitored.seconds = 0;
                        *monitored.lines = 0;
                        while (n < turns && take_turn(&monitored, torture, n, result))
                                n++;
                }
                end_sessions(&monitored.sessions);
        }
        if (n > 0) {
                tell(&monitored, n, result);
                torture_check_baseline(&monitored.world, &before, KEPT_KIB, result);
        }
        neighbours_end(&monitored.neighbours, result);
        torture_end_world(&monitored.world, result);
        munmap(monitored.lines, sizeof(uint64_t));
}
