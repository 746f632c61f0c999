/* Registering and closing, over and over. See registrations.h. */
#include "bench/registrations.h"

#include "bench/measure.h"
#include "bench/program.h"

#include <getopt.h>
#include <stdio.h>
#include <sys/eventfd.h>

typedef struct Run {
        const RegistrationsMethod *method;
        unsigned batch;
        int64_t warm_up_ns;
        int64_t time_ns;
        Measure measure;
        uint64_t added;
        uint64_t arrived;
} Run;

static void parse(Run *run, int argc, char **argv)
{
        static const struct option names[] = {
                {"batch", required_argument, NULL, 'b'},
                {"warm-up", required_argument, NULL, 'w'},
                {"time", required_argument, NULL, 'm'},
                {"watch", required_argument, NULL, 'o'},
                {NULL, 0, NULL, 0},
        };
        int option;

        while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
                if (option == 'b')
                        run->batch = (unsigned)program_number(optarg, 1, REGISTRATIONS_BATCH_MAX);
                else if (option == 'w')
                        run->warm_up_ns = (int64_t)program_number(optarg, 0, INT32_MAX) * 1000000;
                else if (option == 'm')
                        run->time_ns = (int64_t)program_number(optarg, 1, INT32_MAX) * 1000000;
                else if (option == 'o')
                        measure_watch(&run->measure, (pid_t)program_number(optarg, 1, INT32_MAX));
                else
                        program_fail("takes --batch, --warm-up, --time and --watch");
        }
}

static void add(Run *run)
{
        bool is_mark = run->added % REGISTRATIONS_MARK == REGISTRATIONS_MARK - 1;
        int fd = program_check(eventfd(is_mark, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd");

        run->method->add((unsigned)(run->added % REGISTRATIONS_WINDOW), fd, is_mark);
        run->added++;
}

static void flush(Run *run, bool wait)
{
        uint64_t arrived = run->arrived + run->method->flush(wait) * REGISTRATIONS_MARK;

        for (; run->arrived < arrived; run->arrived++)
                run->method->close((unsigned)(run->arrived % REGISTRATIONS_WINDOW));
}

/* And until something arrived. */
static void run_for(Run *run, int64_t ns)
{
        int64_t end_ns = now_ns() + ns;
        uint64_t before = run->arrived;

        do {
                for (unsigned i = 0; i < run->batch; i++)
                        add(run);
                flush(run, false);
                while (run->added - run->arrived + run->batch > REGISTRATIONS_WINDOW)
                        flush(run, true);
        } while (now_ns() < end_ns || run->arrived == before);
}

void registrations_run(const RegistrationsMethod *method, pid_t other, int argc, char **argv)
{
        static Run run = {.batch = 1, .warm_up_ns = 200000000, .time_ns = 1000000000};
        uint64_t before;
        json_t *line;

        run.method = method;
        measure_init(&run.measure);
        if (other > 0)
                measure_watch(&run.measure, other);
        parse(&run, argc, argv);
        run_for(&run, run.warm_up_ns);
        before = run.arrived;
        measure_begin(&run.measure);
        run_for(&run, run.time_ns);
        measure_end(&run.measure);
        line = json_pack("{s:I}", "registrations", (json_int_t)(run.arrived - before));
        measure_report(&run.measure, line);
        json_dumpf(line, stdout, JSON_COMPACT);
        puts("");
        json_decref(line);
}
