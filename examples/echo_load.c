/*
 * echo_load: makes many round trips to an echo server and checks every byte that comes back.
 *
 * One process does its share by itself (load_process.h). Of several, each child has a handle of
 * its own, and reports through a pipe; the parent waits for the pipes, by libkyron too.
 */
#include "load_process.h"
#include "task.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OVERDUE_S = 30 };

static const char usage[] =
        "Usage: echo_load TARGET... [OPTION]...\n"
        "Send messages to echo servers, over connections that take turns among the\n"
        "targets, and check what comes back.\n"
        "\n"
        "      --tcp ADDRESS:PORT, --udp ADDRESS:PORT, --unix PATH\n"
        "                        a target\n"
        "      --connections N   of each process (100)\n"
        "      --round-trips N   of each connection (100)\n"
        "      --size BYTES      of each message (64)\n"
        "      --processes N     (1)\n"
        "      --chaos           pause, and cancel and repeat operations, at random\n"
        "      --seed N          of the messages and of chaos (1)\n"
        "      --deadline S      fail what is not done after so many seconds (120)\n"
        "      --hold S          leave all connections open for so long when done (0)\n"
        "      --via-daemon      have the daemon make the TCP connections; its policy\n"
        "                        limits how many may be under way at once\n"
        "      --socket PATH     the daemon's socket ($KYRON_SOCKET, or the system's)\n"
        "      --help\n"
        "\n"
        "Exit status: 0 all went well, 1 not all, 2 usage.\n";

/* ---- The command line ---------------------------------------------------------------------- */

static bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
        char *end;

        errno = 0;
        *out = strtoull(text, &end, 10);
        return errno == 0 && end != text && !*end && *text != '-' && *out >= min && *out <= max;
}

static bool add_target(LoadOptions *options, LoadProtocol protocol, const char *where)
{
        LoadTarget *target = &options->targets[options->target_count];

        if (options->target_count == LOAD_TARGETS_MAX)
                return false;
        options->target_count++;
        target->protocol = protocol;
        target->path = where;
        return protocol == LOAD_UNIX || address_parse(where, &target->address);
}

static void name_for_the_daemon(LoadOptions *options)
{
        char text[ADDRESS_TEXT_MAX];

        for (unsigned i = 0; i < options->target_count; i++) {
                LoadTarget *target = &options->targets[i];

                if (target->protocol == LOAD_TCP)
                        snprintf(target->via_daemon, sizeof(target->via_daemon), "tcp:%s",
                                 address_format(&target->address, text));
        }
}

static bool take_option(LoadOptions *options, int option, const char *argument)
{
        switch (option) {
        case 'c':
                return parse_number(argument, 1, LOAD_CONNECTIONS_MAX, &options->connections);
        case 'r':
                return parse_number(argument, 1, UINT64_MAX, &options->round_trips);
        case 'z':
                return parse_number(argument, LOAD_SIZE_MIN, LOAD_SIZE_MAX, &options->size);
        case 'p':
                return parse_number(argument, 1, LOAD_PROCESSES_MAX, &options->processes);
        case 'd':
                return parse_number(argument, 1, INT32_MAX, &options->deadline_s);
        case 'o':
                return parse_number(argument, 0, INT32_MAX, &options->hold_s);
        case 'e':
                return parse_number(argument, 0, UINT64_MAX, &options->seed);
        case 'a':
                options->chaos = true;
                return true;
        case 'v':
                options->via_daemon = true;
                return true;
        case 's':
                options->library.socket_path = argument;
                return true;
        case 't':
                return add_target(options, LOAD_TCP, argument);
        case 'u':
                return add_target(options, LOAD_UDP, argument);
        case 'x':
                return add_target(options, LOAD_UNIX, argument);
        default:
                return false;
        }
}

static bool options_parse(LoadOptions *options, int argc, char **argv)
{
        static const struct option names[] = {
                {"tcp", required_argument, NULL, 't'},
                {"udp", required_argument, NULL, 'u'},
                {"unix", required_argument, NULL, 'x'},
                {"connections", required_argument, NULL, 'c'},
                {"round-trips", required_argument, NULL, 'r'},
                {"size", required_argument, NULL, 'z'},
                {"processes", required_argument, NULL, 'p'},
                {"chaos", no_argument, NULL, 'a'},
                {"seed", required_argument, NULL, 'e'},
                {"deadline", required_argument, NULL, 'd'},
                {"hold", required_argument, NULL, 'o'},
                {"via-daemon", no_argument, NULL, 'v'},
                {"socket", required_argument, NULL, 's'},
                {"help", no_argument, NULL, 'h'},
                {NULL, 0, NULL, 0},
        };
        int option, index;

        while ((option = getopt_long(argc, argv, "", names, &index)) >= 0) {
                if (option == 'h') {
                        fputs(usage, stdout);
                        exit(EXIT_SUCCESS);
                }
                if (option == '?')
                        return false;
                if (!take_option(options, option, optarg)) {
                        fprintf(stderr, "echo_load: --%s does not take \"%s\"\n", names[index].name,
                                optarg);
                        return false;
                }
        }
        if (options->via_daemon)
                name_for_the_daemon(options);
        for (unsigned i = 0; i < options->target_count; i++) {
                if (options->targets[i].protocol == LOAD_UDP && options->size > LOAD_DATAGRAM_MAX) {
                        fprintf(stderr, "echo_load: a datagram has at most %d bytes\n",
                                LOAD_DATAGRAM_MAX);
                        return false;
                }
        }
        if (optind < argc || options->target_count == 0) {
                fputs("echo_load: takes options only, and a target among them\n", stderr);
                return false;
        }
        return true;
}

/* ---- Several processes --------------------------------------------------------------------- */

typedef struct Child {
        Task task; /* to read its report */
        pid_t pid;
        int report_fd;
        KyronBridgedFd *pipe;
        size_t received;
        LoadTotals report;
} Child;

static Child *children;
static uint64_t child_count;
static uint64_t awaited;
static bool one_is_missing;

/* What a child does, to its end. */
static void be_child(const LoadOptions *options, uint32_t number, int report_fd)
{
        LoadProcess process;
        bool good;

        prctl(PR_SET_PDEATHSIG, SIGTERM);
        load_process_run(&process, options, number);
        good = load_totals_errors(&process.totals) == 0;
        /* It fits into the pipe: this does not wait. */
        if (write(report_fd, &process.totals, sizeof(process.totals)) != sizeof(process.totals))
                good = false;
        close(report_fd);
        load_process_hold(&process, options->hold_s);
        load_process_close(&process);
        free(children);
        exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}

static bool start_child(const LoadOptions *options, uint32_t number)
{
        Child *child = &children[number];
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return false;
        child->pid = fork();
        if (child->pid == 0) {
                close(fds[0]);
                be_child(options, number, fds[1]);
        }
        close(fds[1]);
        child->report_fd = fds[0];
        if (child->pid < 0)
                close(fds[0]);
        return child->pid > 0;
}

static int report_start(Task *task)
{
        Child *child = (Child *)task;

        return kyron_bridged_fd_read(child->pipe, &task->operation,
                                     (char *)&child->report + child->received,
                                     sizeof(child->report) - child->received);
}

static bool report_take(Task *task, ssize_t result)
{
        Child *child = (Child *)task;

        if (result > 0)
                child->received += (size_t)result;
        if (result > 0 && child->received < sizeof(child->report))
                return true;
        awaited--;
        if (result <= 0) {
                one_is_missing = true;
                fprintf(stderr, "echo_load: process %td has not reported\n", child - children);
        }
        return false;
}

static KyronTimer *overdue;

static int overdue_start(Task *task)
{
        return kyron_timer_wait(overdue, &task->operation);
}

static bool overdue_take(Task *task, ssize_t result)
{
        (void)task;
        for (uint64_t i = 0; result > 0 && i < child_count; i++)
                kill(children[i].pid, SIGKILL);
        return false;
}

/* Reads the reports of all children; false if there is no daemon to wait with. */
static bool await_reports(const LoadOptions *options, KyronIoDriverHandle *handle)
{
        static Task overdue_task;
        int r = 0;

        if (kyron_timer_new(&overdue, handle) < 0 ||
            kyron_timer_after(overdue, (options->deadline_s + OVERDUE_S) * 1000000000) < 0)
                return false;
        task_init(&overdue_task, overdue_start, overdue_take);
        task_run(&overdue_task);
        awaited = child_count;
        for (uint64_t i = 0; i < child_count; i++) {
                Child *child = &children[i];

                task_init(&child->task, report_start, report_take);
                if (kyron_bridged_fd_new(&child->pipe, handle, child->report_fd) < 0)
                        return false;
                task_run(&child->task);
        }
        while (awaited > 0 && (r >= 0 || r == -EINTR))
                r = tasks_turn(handle);
        kyron_operation_cancel(&overdue_task.operation);
        return awaited == 0;
}

static bool run_children(const LoadOptions *options)
{
        KyronOptions library = options->library;
        KyronIoDriverHandle *handle = NULL;
        LoadTotals totals = {.of = {{.connections = 0}}};
        bool good = true;

        children = calloc(options->processes, sizeof(*children));
        while (children && child_count < options->processes &&
               start_child(options, (uint32_t)child_count))
                child_count++;
        if (child_count < options->processes) {
                fprintf(stderr, "echo_load: only %" PRIu64 " processes: %s\n", child_count,
                        strerror(errno));
                good = false;
        }
        library.program = "echo_load";
        if (kyron_io_driver_handle_open(&handle, &library) < 0 || !await_reports(options, handle)) {
                fprintf(stderr, "echo_load: %s\n", kyron_error_text());
                good = false;
        }
        for (uint64_t i = 0; i < child_count; i++)
                load_totals_add(&totals, &children[i].report);
        load_totals_print(&totals);
        for (uint64_t i = 0; i < child_count; i++) {
                waitpid(children[i].pid, NULL, 0);
                kyron_bridged_fd_close(children[i].pipe);
        }
        kyron_timer_close(overdue);
        kyron_io_driver_handle_close(handle);
        free(children);
        return good && !one_is_missing && load_totals_errors(&totals) == 0;
}

/* ---- One ----------------------------------------------------------------------------------- */

static bool run_alone(const LoadOptions *options)
{
        LoadProcess process;

        load_process_run(&process, options, 0);
        load_totals_print(&process.totals);
        load_process_hold(&process, options->hold_s);
        load_process_close(&process);
        return load_totals_errors(&process.totals) == 0;
}

int main(int argc, char **argv)
{
        LoadOptions options = {
                .processes = 1,
                .connections = 100,
                .round_trips = 100,
                .size = 64,
                .deadline_s = 120,
                .seed = 1,
        };
        struct rlimit files;
        bool good;

        if (!options_parse(&options, argc, argv)) {
                fputs("See echo_load --help.\n", stderr);
                return 2;
        }
        if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
                files.rlim_cur = files.rlim_max;
                setrlimit(RLIMIT_NOFILE, &files);
        }
        good = options.processes == 1 ? run_alone(&options) : run_children(&options);
        return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
