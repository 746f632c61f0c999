/* Connecting, over and over. See connects.h. */
#include "bench/connects.h"

#include "bench/measure.h"
#include "bench/program.h"

#include <getopt.h>
#include <stdio.h>
#include <sys/socket.h>

typedef struct Run {
        const ConnectsMethod *method;
        const char *address;
        int64_t warm_up_ns;
        int64_t time_ns;
        Measure measure;
        uint64_t count;
} Run;

static Run run = {.warm_up_ns = 200000000, .time_ns = 1000000000};

static void parse(int argc, char **argv)
{
        static const struct option names[] = {
                {"tcp", required_argument, NULL, 't'},
                {"warm-up", required_argument, NULL, 'w'},
                {"time", required_argument, NULL, 'm'},
                {"watch", required_argument, NULL, 'o'},
                {NULL, 0, NULL, 0},
        };
        int option;

        while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
                if (option == 't')
                        run.address = optarg;
                else if (option == 'w')
                        run.warm_up_ns = (int64_t)program_number(optarg, 0, INT32_MAX) * 1000000;
                else if (option == 'm')
                        run.time_ns = (int64_t)program_number(optarg, 1, INT32_MAX) * 1000000;
                else if (option == 'o')
                        measure_watch(&run.measure, (pid_t)program_number(optarg, 1, INT32_MAX));
                else
                        program_fail("takes --tcp, --warm-up, --time and --watch");
        }
        if (!run.address)
                program_fail("where to? --tcp");
}

void connects_done(unsigned place)
{
        const struct linger at_once = {.l_onoff = 1};

        program_check(setsockopt(run.method->fd_of(place), SOL_SOCKET, SO_LINGER, &at_once,
                                 sizeof(at_once)),
                      "SO_LINGER");
        run.method->close(place);
        run.count++;
        run.method->begin(place, run.address);
}

/* And until one was made. */
static void run_for(int64_t ns)
{
        int64_t end_ns = now_ns() + ns;

        run.count = 0;
        do {
                run.method->turn();
        } while (now_ns() < end_ns || run.count == 0);
}

void connects_run(const ConnectsMethod *method, int argc, char **argv)
{
        json_t *line;

        run.method = method;
        measure_init(&run.measure);
        parse(argc, argv);
        for (unsigned i = 0; i < CONNECTS_AT_ONCE; i++)
                method->begin(i, run.address);
        run_for(run.warm_up_ns);
        measure_begin(&run.measure);
        run_for(run.time_ns);
        measure_end(&run.measure);
        line = json_pack("{s:I}", "connections", (json_int_t)run.count);
        measure_report(&run.measure, line);
        json_dumpf(line, stdout, JSON_COMPACT);
        puts("");
        json_decref(line);
}
