/* ctl/output_table: tables fit to where they are shown, and sorted as was asked. */
#include "ctl/output_table.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "ctl/shown_text.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <locale.h>
#include <string.h>

static const OutputColumn columns[] = {
        {"PID", OUTPUT_RIGHT},   {"USER", OUTPUT_CUT | OUTPUT_SPARE},
        {"PROGRAM", OUTPUT_CUT}, {"EVENTS", OUTPUT_RIGHT | OUTPUT_SPARE},
        {"AGE", OUTPUT_RIGHT},
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static OutputTable table;

static void open_table(void)
{
        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
        output_table_open(&table, columns, COLUMNS);
}

static void close_table(void)
{
        output_table_close(&table);
}

static void add_row(const char *const cells[COLUMNS], uint64_t age)
{
        OutputCell *row = output_table_add(&table);

        ck_assert_ptr_nonnull(row);
        for (size_t i = 0; i < COLUMNS; i++)
                row[i].text = cells[i] ? strdup(cells[i]) : NULL;
        row[COLUMNS - 1].ranked = age > 0;
        row[COLUMNS - 1].rank = age;
}

#define ADD(age, ...) add_row((const char *const[COLUMNS]){__VA_ARGS__}, age)

static char *print(size_t width, bool no_legend)
{
        const OutputFit fit = {.width = width, .no_legend = no_legend};
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        ck_assert_ptr_nonnull(out);
        ck_assert_int_eq(output_table_print(&table, &fit, out), 0);
        fclose(out);
        return text;
}

static void check(size_t width, const char *expected)
{
        CLEANUP(cleanup_free) char *text = print(width, false);

        ck_assert_str_eq(text, expected);
}

static void add_three(void)
{
        ADD(1000, "812", "www-data", "nginx: worker process", "1200", "1s");
        ADD(60000, "9", "root", "日本語", "7", "1min");
        ADD(0, "10431", "root", NULL, "65", "-");
}

START_TEST(numbers_stand_to_the_right_and_nothing_is_cut_without_a_terminal)
{
        add_three();
        check(0, "  PID USER     PROGRAM               EVENTS  AGE\n"
                 "  812 www-data nginx: worker process   1200   1s\n"
                 "    9 root     日本語                     7 1min\n"
                 "10431 root                               65    -\n");
}
END_TEST

START_TEST(a_cell_is_cut_before_a_column_is_left_out)
{
        add_three();
        check(40, "  PID USER     PROGRAM       EVENTS  AGE\n"
                  "  812 www-data nginx: worke…   1200   1s\n"
                  "    9 root     日本語             7 1min\n"
                  "10431 root                       65    -\n");
}
END_TEST

START_TEST(columns_that_are_left_out_are_told_by_the_heading)
{
        add_three();
        check(34, "  PID USER     PROGRAM       AGE …\n"
                  "  812 www-data nginx: work…   1s\n"
                  "    9 root     日本語       1min\n"
                  "10431 root                     -\n");
        check(26, "  PID PROGRAM        AGE …\n"
                  "  812 nginx: worke…   1s\n"
                  "    9 日本語        1min\n"
                  "10431                  -\n");
}
END_TEST

START_TEST(no_line_is_wider_than_the_terminal)
{
        ADD(1, "10431", "a long name of a user", "a long name of a program", "123456", "1s");
        ADD(1, "1", "日本語日本語日本語", "日本語日本語日本語日本語", "1", "2s");
        for (size_t width = 1; width < 90; width++) {
                CLEANUP(cleanup_free) char *text = print(width, width % 2);
                char *rest = text, *line;

                while ((line = strsep(&rest, "\n")))
                        ck_assert_msg(shown_text_width(line) <= width, "%zu: %s", width, line);
        }
}
END_TEST

START_TEST(a_table_without_a_legend_is_as_wide_as_its_cells)
{
        CLEANUP(cleanup_free) char *text = NULL;

        ADD(1, "1", "a", "b", "2", "1s");
        text = print(0, true);
        ck_assert_str_eq(text, "1 a b 2 1s\n");
}
END_TEST

START_TEST(a_table_without_a_row_is_nothing)
{
        check(80, "");
}
END_TEST

/* The pids in the order of the rows. */
static void check_order(const char *keys, const char *expected)
{
        char pids[64] = "", *rest, *line;
        CLEANUP(cleanup_free) char *text = NULL;

        table.key_count = 0;
        ck_assert_int_eq(output_table_sort_by(&table, keys), 0);
        text = print(0, true);
        rest = text;
        while ((line = strsep(&rest, "\n")) && *line) {
                char pid[16];

                ck_assert_int_eq(sscanf(line, "%15s", pid), 1);
                strcat(strcat(pids, *pids ? " " : ""), pid);
        }
        ck_assert_str_eq(pids, expected);
}

START_TEST(rows_are_sorted_by_what_they_mean)
{
        add_three();
        check_order("PID", "9 812 10431");
        check_order("-pid", "10431 812 9");
        check_order("Events", "9 10431 812");
        check_order("-age", "9 812 10431");
        check_order("age", "10431 812 9");
        check_order("user,-events", "10431 9 812");
        check_order("user", "9 10431 812");
}
END_TEST

static const struct {
        const char *keys;
        const char *sentence;
} refused[] = {
        {"event", "--sort: there is no column \"event\"; is it EVENTS?"},
        {"pid,usr", "--sort: there is no column \"usr\"; is it USER?"},
        {"", "--sort: there is no column \"\"; the first is PID"},
        {"pid,", "--sort: there is no column \"\"; the first is PID"},
        {"-", "--sort: there is no column \"\"; the first is PID"},
        {"colour", "--sort: there is no column \"colour\"; the first is PID"},
        {"pid,pid,pid,pid,pid,pid,pid,pid,pid", "--sort takes 8 columns at most"},
};

START_TEST(a_column_that_is_none_is_told)
{
        ck_assert_int_eq(output_table_sort_by(&table, refused[_i].keys), -EINVAL);
        ck_assert_str_eq(error_text(), refused[_i].sentence);
}
END_TEST

TEST_SUITE(test_output_table)
{
        TCase *tables = tcase_create("tables");

        tcase_add_checked_fixture(tables, open_table, close_table);
        tcase_add_test(tables, numbers_stand_to_the_right_and_nothing_is_cut_without_a_terminal);
        tcase_add_test(tables, a_cell_is_cut_before_a_column_is_left_out);
        tcase_add_test(tables, columns_that_are_left_out_are_told_by_the_heading);
        tcase_add_test(tables, no_line_is_wider_than_the_terminal);
        tcase_add_test(tables, a_table_without_a_legend_is_as_wide_as_its_cells);
        tcase_add_test(tables, a_table_without_a_row_is_nothing);
        tcase_add_test(tables, rows_are_sorted_by_what_they_mean);
        tcase_add_loop_test(tables, a_column_that_is_none_is_told, 0,
                            sizeof(refused) / sizeof(refused[0]));
        suite_add_tcase(suite, tables);
}
