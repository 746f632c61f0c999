/* Holding and taking, over and over. See holds.h. */
#include "bench/holds.h"

#include "bench/measure.h"
#include "bench/program.h"

#include <getopt.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct Run {
        const HoldsMethod *method;
        unsigned under_way;
        int64_t warm_up_ns;
        int64_t time_ns;
        Measure measure;
        uint64_t held;
} Run;

static void parse(Run *run, int argc, char **argv)
{
        static const struct option names[] = {
                {"under-way", required_argument, NULL, 'u'},
                {"warm-up", required_argument, NULL, 'w'},
                {"time", required_argument, NULL, 'm'},
                {"watch", required_argument, NULL, 'o'},
                {NULL, 0, NULL, 0},
        };
        int option;

        while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
                if (option == 'u')
                        run->under_way = (unsigned)program_number(optarg, 1, HOLDS_MAX);
                else if (option == 'w')
                        run->warm_up_ns = (int64_t)program_number(optarg, 0, INT32_MAX) * 1000000;
                else if (option == 'm')
                        run->time_ns = (int64_t)program_number(optarg, 1, INT32_MAX) * 1000000;
                else if (option == 'o')
                        measure_watch(&run->measure, (pid_t)program_number(optarg, 1, INT32_MAX));
                else
                        program_fail("takes --under-way, --warm-up, --time and --watch");
        }
}

static void hold_and_take(Run *run)
{
        char names[HOLDS_MAX][32];
        int given[HOLDS_MAX], taken[HOLDS_MAX];

        for (unsigned i = 0; i < run->under_way; i++) {
                snprintf(names[i], sizeof(names[i]), "bench-%u", i);
                given[i] = program_check(
                        eventfd((unsigned)(run->held + i) + 1, EFD_NONBLOCK | EFD_CLOEXEC),
                        "eventfd");
                run->method->hold(i, given[i], names[i]);
        }
        run->method->settle();
        for (unsigned i = 0; i < run->under_way; i++) {
                close(given[i]);
                run->method->take(i, names[i], &taken[i]);
        }
        run->method->settle();
        for (unsigned i = 0; i < run->under_way; i++) {
                eventfd_t value;

                program_check(eventfd_read(taken[i], &value), "what was taken");
                if (value != (unsigned)(run->held + i) + 1)
                        program_fail("another descriptor was taken than was held");
                close(taken[i]);
        }
        run->held += run->under_way;
}

static void run_for(Run *run, int64_t ns)
{
        int64_t end_ns = now_ns() + ns;

        do {
                hold_and_take(run);
        } while (now_ns() < end_ns);
}

void holds_run(const HoldsMethod *method, int argc, char **argv)
{
        static Run run = {.under_way = 1, .warm_up_ns = 200000000, .time_ns = 1000000000};
        uint64_t before;
        json_t *line;

        run.method = method;
        measure_init(&run.measure);
        parse(&run, argc, argv);
        run_for(&run, run.warm_up_ns);
        before = run.held;
        measure_begin(&run.measure);
        run_for(&run, run.time_ns);
        measure_end(&run.measure);
        line = json_pack("{s:I}", "holds", (json_int_t)(run.held - before));
        measure_report(&run.measure, line);
        json_dumpf(line, stdout, JSON_COMPACT);
        puts("");
        json_decref(line);
}
