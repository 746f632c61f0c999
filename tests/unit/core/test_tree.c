/* core/tree: the neighbours of a place, whether something is there or not. */
#include "core/tree.h"

#include "tests/support/fixture.h"
#include "tests/support/random.h"

#include <search.h>

enum { PLACES = 300 };

static int numbers[PLACES];
static bool there[PLACES];
static void *root;

static int compare(const void *a, const void *b)
{
        return *(const int *)a - *(const int *)b;
}

static void flip(int i)
{
        numbers[i] = i;
        there[i] = !there[i];
        if (there[i])
                ASSERT_IN_LOOP(tsearch(&numbers[i], &root, compare));
        else
                ASSERT_IN_LOOP(tdelete(&numbers[i], &root, compare));
}

static void check_neighbours(int i)
{
        int before = i - 1, after = i + 1;

        while (before >= 0 && !there[before])
                before--;
        while (after < PLACES && !there[after])
                after++;
        ASSERT_IN_LOOP(tree_before(&root, &i, compare) == (before < 0 ? NULL : &numbers[before]));
        ASSERT_IN_LOOP(tree_after(&root, &i, compare) ==
                       (after == PLACES ? NULL : &numbers[after]));
}

START_TEST(the_neighbours_are_the_next_there_are)
{
        uint64_t state = 11;

        ck_assert_ptr_null(tree_after(&root, &(int){0}, compare));
        ck_assert_ptr_null(tree_before(&root, &(int){0}, compare));
        for (int round = 0; round < 20000; round++) {
                flip((int)random_below(&state, PLACES));
                check_neighbours((int)random_below(&state, PLACES));
        }
        for (int i = 0; i < PLACES; i++) {
                check_neighbours(i);
                if (there[i])
                        flip(i);
        }
        ck_assert_ptr_null(root);
}
END_TEST

TEST_SUITE(test_tree)
{
        TCase *tcase = tcase_create("tree");

        tcase_add_test(tcase, the_neighbours_are_the_next_there_are);
        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, tcase);
}
