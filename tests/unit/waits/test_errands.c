/* Errands that hang, fail and end. */
#include "tests/support/fixture.h"
#include "waits/errands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ERRANDS = 12, PATIENCE_MS = 1000, TOTAL_MS = 30000, BYTES_MAX = 100000 };

typedef struct Results {
        int (*run)(size_t errand, ErrandOutput *output);
        size_t count;
        int result[ERRANDS];
        size_t size[ERRANDS];
        char last[BYTES_MAX];
} Results;

static int run(const void *data, size_t errand, ErrandOutput *output)
{
        const Results *results = data;

        return results->run(errand, output);
}

static void done(void *data, size_t errand, int result, const void *bytes, size_t size)
{
        Results *results = data;

        ck_assert_uint_eq(errand, results->count);
        results->result[errand] = result;
        results->size[errand] = size;
        results->count++;
        if (size > 0)
                memcpy(results->last, bytes, size);
}

static Errands run_all(Results *results, int (*its)(size_t errand, ErrandOutput *output),
                       size_t count)
{
        const ErrandKind kind = {
                .patience_ms = PATIENCE_MS,
                .total_ms = TOTAL_MS,
                .bytes_max = BYTES_MAX,
                .run = run,
                .done = done,
        };
        Errands errands = {.hung = 0};

        *results = (Results){.run = its};
        errands_run(&errands, &kind, results, count);
        ck_assert_uint_eq(results->count, count);
        return errands;
}

static int write_some(size_t errand, ErrandOutput *output)
{
        for (size_t i = 0; i < errand * 10; i++)
                errand_write(output, "0123456789", 10);
        return errand == 2 ? -EACCES : 0;
}

START_TEST(what_errands_find_comes_in_their_order)
{
        static Results results;
        Errands errands = run_all(&results, write_some, ERRANDS);

        for (size_t i = 0; i < ERRANDS; i++) {
                ck_assert_int_eq(results.result[i], i == 2 ? -EACCES : 0);
                ck_assert_uint_eq(results.size[i], i * 100);
        }
        ck_assert_uint_eq(errands.hung, 0);
        ck_assert_uint_eq(errands.abandoned, 0);
}
END_TEST

static int write_much(size_t errand, ErrandOutput *output)
{
        static const char block[BYTES_MAX] = "block";

        errand_write(output, block, sizeof(block));
        if (errand == 1)
                errand_write(output, block, 1);
        return 0;
}

START_TEST(one_that_finds_too_much_costs_no_other)
{
        static Results results;

        run_all(&results, write_much, 3);
        ck_assert_int_eq(results.result[0], 0);
        ck_assert_uint_eq(results.size[0], BYTES_MAX);
        ck_assert_int_eq(results.result[1], -ENOBUFS);
        ck_assert_uint_eq(results.size[1], 0);
        ck_assert_int_eq(results.result[2], 0);
        ck_assert_uint_eq(results.size[2], BYTES_MAX);
}
END_TEST

static _Noreturn void hang_for_good(void)
{
        for (;;)
                pause();
}

static int hang_once(size_t errand, ErrandOutput *output)
{
        errand_write(output, "x", 1);
        if (errand == 1)
                hang_for_good();
        return 0;
}

START_TEST(one_that_hangs_is_given_up_and_the_others_go_on)
{
        static Results results;
        Errands errands = run_all(&results, hang_once, 4);

        ck_assert_int_eq(results.result[1], -ETIME);
        ck_assert_uint_eq(results.size[1], 0);
        for (size_t i = 0; i < 4; i++) {
                if (i != 1)
                        ck_assert_int_eq(results.result[i], 0);
        }
        ck_assert_uint_eq(errands.hung, 1);
        /* It could be killed. */
        ck_assert_uint_eq(errands.abandoned, 0);
}
END_TEST

static int hang(size_t errand, ErrandOutput *output)
{
        (void)errand;
        (void)output;
        hang_for_good();
        return 0;
}

START_TEST(after_some_that_hung_none_is_run)
{
        static Results results;
        Errands errands = run_all(&results, hang, ERRANDS);

        for (size_t i = 0; i < ERRANDS; i++)
                ck_assert_int_eq(results.result[i], i < ERRANDS_HUNG_MAX ? -ETIME : -EAGAIN);
        ck_assert_uint_eq(errands.hung, ERRANDS_HUNG_MAX);
}
END_TEST

static int die_once(size_t errand, ErrandOutput *output)
{
        errand_write(output, "x", 1);
        if (errand == 1)
                _exit(0);
        return 0;
}

START_TEST(one_that_kills_its_process_costs_no_other)
{
        static Results results;
        Errands errands = run_all(&results, die_once, 3);

        ck_assert_int_eq(results.result[0], 0);
        ck_assert_int_eq(results.result[1], -EIO);
        ck_assert_int_eq(results.result[2], 0);
        ck_assert_uint_eq(errands.hung, 0);
}
END_TEST

static int list_descriptors(size_t errand, ErrandOutput *output)
{
        (void)errand;
        for (int fd = 0; fd < 100; fd++) {
                char path[32], link[256];
                ssize_t n;

                snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                n = readlink(path, link, sizeof(link));
                if (n <= 0)
                        continue;
                errand_write(output, link, (size_t)n);
                errand_write(output, " ", 1);
        }
        errand_write(output, "", 1);
        return 0;
}

START_TEST(it_has_nothing_open_but_its_pipe)
{
        static Results results;
        int fds[2];

        pipe_pair(fds);
        run_all(&results, list_descriptors, 1);
        close(fds[0]);
        close(fds[1]);
        ck_assert_msg(strncmp(results.last, "/dev/null /dev/null /dev/null pipe:[", 36) == 0 &&
                              !strstr(results.last + 36, "pipe"),
                      "it has open: %s", results.last);
}
END_TEST

TEST_SUITE(test_errands)
{
        TCase *tc = tcase_create("errands");

        tcase_set_timeout(tc, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tc, what_errands_find_comes_in_their_order);
        tcase_add_test(tc, one_that_finds_too_much_costs_no_other);
        tcase_add_test(tc, one_that_hangs_is_given_up_and_the_others_go_on);
        tcase_add_test(tc, after_some_that_hung_none_is_run);
        tcase_add_test(tc, one_that_kills_its_process_costs_no_other);
        tcase_add_test(tc, it_has_nothing_open_but_its_pipe);
        suite_add_tcase(suite, tc);
}
