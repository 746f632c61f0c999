/*
 * core/printable: whatever text comes, what is written is printable ASCII, and whole.
 */
#include "core/printable.h"
#include "tests/support/fixture.h"

#include <string.h>

static const struct {
        const char *text;
        const char *also;
        const char *expected;
} texts[] = {
        {"", "", ""},
        {"echo server (1)", "", "echo server (1)"},
        {"echo server (1)", "()", "echo server \\x281\\x29"},
        {"two\nlines\r\n", "", "two\\x0alines\\x0d\\x0a"},
        {"\x1b[2J\x07\x7f", "", "\\x1b[2J\\x07\\x7f"},
        {"m\xc3\xbcller", "", "m\\xc3\\xbcller"},
        {"\xff\xfe\x80", "", "\\xff\\xfe\\x80"},
};

START_TEST(what_is_no_printable_ascii_is_escaped)
{
        char out[64];

        ck_assert_uint_eq(printable_escape(out, sizeof(out), texts[_i].text, texts[_i].also),
                          strlen(texts[_i].expected));
        ck_assert_str_eq(out, texts[_i].expected);
}
END_TEST

START_TEST(what_does_not_fit_is_left_out_and_no_escape_is_cut)
{
        static const char *const cut[] = {NULL, "", "a", "a", "a", "a", "a\\x0a", "a\\x0ab"};
        char out[9];

        for (size_t size = 1; size < 8; size++) {
                memset(out, '#', sizeof(out));
                printable_escape(out, size, "a\nbcdefg", "");
                ck_assert_str_eq(out, cut[size]);
                ck_assert_int_eq(out[size], '#');
        }
}
END_TEST

TEST_SUITE(test_printable)
{
        TCase *printable = tcase_create("printable");

        tcase_add_loop_test(printable, what_is_no_printable_ascii_is_escaped, 0,
                            sizeof(texts) / sizeof(texts[0]));
        tcase_add_test(printable, what_does_not_fit_is_left_out_and_no_escape_is_cut);
        suite_add_tcase(suite, printable);
}
