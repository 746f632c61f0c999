/* main() of every program of tests: runs the suites of its files. See TEST_SUITE in fixture.h. */
#include "tests/support/fixture.h"

#include <stdio.h>
#include <stdlib.h>

static TestSuite *first, **last = &first;

void add_test_suite(TestSuite *lent)
{
        *last = lent;
        last = &lent->next;
}

int main(void)
{
        SRunner *runner = srunner_create(NULL);
        int run, failed;

        for (const TestSuite *each = first; each; each = each->next) {
                Suite *suite = suite_create(each->title);

                each->add_cases(suite);
                srunner_add_suite(runner, suite);
        }
        srunner_run_all(runner, CK_ENV);
        run = srunner_ntests_run(runner);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        if (run == 0)
                fprintf(stderr, "nothing was run: there is no such suite or case\n");
        return run > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
