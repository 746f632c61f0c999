/* Which cases, in which form, and what becomes of the results. See torture.h. */
#include "tests/torture/torture.h"

#include "tests/torture/report.h"
#include "tests/torture/stolen.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const char usage[] =
        "usage: torture [--quick] [--case NAME]… [--build DIRECTORY] [--results FILE]\n"
        "               [--document FILE]\n"
        "\n"
        "Does one fault after another to a daemon of its own, and tells what came of it.\n"
        "  --quick     the short form, for make check, whose figures are not kept\n"
        "  --case      this one; --case list lists them\n"
        "  --build     where the programs are; else $KYRON_BUILD_DIR or .\n"
        "  --results   keeps all figures here, as JSON\n"
        "  --document  puts all that was measured into its place in this document\n";

/* From which share on it is told. */
#define STOLEN_TOLD 0.01

typedef struct Options {
        Torture torture;
        const char *results;
        const char *document;
        const char *cases[64];
        int n_cases;
} Options;

static void list_cases(void)
{
        for (const TortureCase *case_ = torture_cases; case_->name; case_++)
                printf("%-22s %s\n", case_->name, case_->fault);
}

static bool is_case(const char *name)
{
        for (const TortureCase *case_ = torture_cases; case_->name; case_++) {
                if (strcmp(case_->name, name) == 0)
                        return true;
        }
        fprintf(stderr, "torture: there is no case \"%s\": see --case list\n", name);
        return false;
}

static bool parse(Options *options, int argc, char **argv)
{
        static const struct option names[] = {
                {"quick", no_argument, NULL, 'q'},
                {"case", required_argument, NULL, 'c'},
                {"build", required_argument, NULL, 'b'},
                {"results", required_argument, NULL, 'r'},
                {"document", required_argument, NULL, 'd'},
                {"help", no_argument, NULL, 'h'},
                {NULL, 0, NULL, 0},
        };
        const char *build = getenv("KYRON_BUILD_DIR");
        int option;

        options->torture.build = build ? build : ".";
        while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
                if (option == 'h' || (option == 'c' && strcmp(optarg, "list") == 0)) {
                        option == 'h' ? (void)fputs(usage, stdout) : list_cases();
                        exit(EXIT_SUCCESS);
                }
                if (option == 'q')
                        options->torture.quick = true;
                else if (option == 'b')
                        options->torture.build = optarg;
                else if (option == 'r')
                        options->results = optarg;
                else if (option == 'd')
                        options->document = optarg;
                else if (option == 'c' && options->n_cases < 64 && is_case(optarg))
                        options->cases[options->n_cases++] = optarg;
                else
                        return false;
        }
        if (options->torture.quick)
                options->results = options->document = NULL;
        return optind == argc;
}

static bool is_wanted(const Options *options, const TortureCase *case_)
{
        for (int i = 0; i < options->n_cases; i++) {
                if (strcmp(options->cases[i], case_->name) == 0)
                        return true;
        }
        return options->n_cases == 0;
}

/* Whether all held. */
static bool run_case(const Options *options, const TortureCase *case_, json_t *results)
{
        Result result = {.figures = json_object()};
        StolenTime before = stolen_time();
        double stolen;

        case_->run(&options->torture, case_, &result);
        stolen = stolen_share(before);
        if (!result.skipped && stolen >= STOLEN_TOLD)
                result_say(&result, "; the hypervisor took %.0f %% of the processors",
                           stolen * 100);
        json_object_set_new(result.figures, "stolen", json_real(stolen));
        report_print(case_, &result);
        report_put(results, case_, &result);
        json_decref(result.figures);
        return !*result.broken;
}

int main(int argc, char **argv)
{
        Options options = {0};
        struct rlimit files;
        json_t *results;
        bool good = true;

        if (!parse(&options, argc, argv)) {
                fputs(usage, stderr);
                return 2;
        }
        signal(SIGPIPE, SIG_IGN);
        /* But where it is said otherwise: who waits himself would not notice. */
        setenv("KYRON_DELIVERY", "relayed", 1);
        if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
                files.rlim_cur = files.rlim_max;
                setrlimit(RLIMIT_NOFILE, &files);
        }
        results = options.results ? report_read(options.results) : json_object();
        for (const TortureCase *case_ = torture_cases; case_->name; case_++) {
                if (!is_wanted(&options, case_))
                        continue;
                good &= run_case(&options, case_, results);
                if (options.results)
                        report_write(results, options.results);
        }
        if (options.document)
                report_write_document(results, options.document);
        json_decref(results);
        return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
