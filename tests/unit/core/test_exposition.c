/*
 * core/exposition: the text of both formats, byte for byte; and nobody's words end a label.
 */
#include "core/exposition.h"
#include "tests/support/fixture.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 8192 };

static char text[TEXT_MAX];
static size_t length;

static void append(void *data, const char *piece, size_t size)
{
        ck_assert_ptr_eq(data, text);
        ck_assert_uint_lt(length + size, sizeof(text));
        memcpy(text + length, piece, size);
        length += size;
        text[length] = '\0';
}

static Exposition begin(bool is_openmetrics)
{
        length = 0;
        text[0] = '\0';
        return (Exposition){.is_openmetrics = is_openmetrics, .write = append, .data = text};
}

START_TEST(a_counter_is_called_by_its_family_in_one_and_by_its_sample_in_the_other)
{
        Exposition exposition = begin(true);

        exposition_begin(&exposition, "a_seconds", EXPOSITION_COUNTER, "seconds", "What it is");
        exposition_add_time(&exposition, NULL, 1500000000);
        exposition_end(&exposition);
        ck_assert_str_eq(text, "# HELP a_seconds What it is.\n# TYPE a_seconds counter\n"
                               "# UNIT a_seconds seconds\na_seconds_total 1.5\n# EOF\n");
        exposition = begin(false);
        exposition_begin(&exposition, "a_seconds", EXPOSITION_COUNTER, "seconds", "What it is");
        exposition_add_time(&exposition, NULL, 1500000000);
        exposition_end(&exposition);
        ck_assert_str_eq(text, "# HELP a_seconds_total What it is.\n"
                               "# TYPE a_seconds_total counter\na_seconds_total 1.5\n# EOF\n");
}
END_TEST

START_TEST(labels_are_escaped_and_their_text_is_printable)
{
        Exposition exposition = begin(true);
        const ExpositionLabel labels[EXPOSITION_LABELS_MAX] = {
                {"program", "a\"} 1\nb\\\xff\x01\x7f"},
                {"state", ""},
        };

        exposition_begin(&exposition, "g", EXPOSITION_GAUGE, NULL, "G");
        exposition_add(&exposition, labels, 18446744073709551615u);
        ck_assert_str_eq(text, "# HELP g G.\n# TYPE g gauge\n"
                               "g{program=\"a\\\"} 1\\nb\\\\???\",state=\"\"} "
                               "18446744073709551615\n");
}
END_TEST

/* Longer than what is put together at once. */
START_TEST(a_long_label_is_whole)
{
        Exposition exposition = begin(false);
        char value[1001], escaped[2001];
        const ExpositionLabel labels[EXPOSITION_LABELS_MAX] = {
                {"a", value}, {"b", "x"}, {"c", "y"}};

        memset(value, '"', sizeof(value) - 1);
        value[sizeof(value) - 1] = '\0';
        for (size_t i = 0; i + 1 < sizeof(escaped); i++)
                escaped[i] = i % 2 == 0 ? '\\' : '"';
        escaped[sizeof(escaped) - 1] = '\0';
        exposition_begin(&exposition, "g", EXPOSITION_GAUGE, NULL, "G");
        length = 0;
        exposition_add(&exposition, labels, 7);
        ck_assert(strncmp(text, "g{a=\"", 5) == 0);
        ck_assert(strncmp(text + 5, escaped, strlen(escaped)) == 0);
        ck_assert_str_eq(text + 5 + strlen(escaped), "\",b=\"x\",c=\"y\"} 7\n");
}
END_TEST

START_TEST(a_histogram_counts_up_and_its_times_are_seconds)
{
        Exposition exposition = begin(true);
        static const uint64_t bounds[] = {10000, 1000000000, 10000000000};
        static const uint64_t counts[] = {3, 2, 0, 1};

        exposition_begin(&exposition, "h_seconds", EXPOSITION_HISTOGRAM, "seconds", "H");
        exposition_add_histogram(&exposition, bounds, counts, 3, 20000000007);
        ck_assert_str_eq(text, "# HELP h_seconds H.\n# TYPE h_seconds histogram\n"
                               "# UNIT h_seconds seconds\n"
                               "h_seconds_bucket{le=\"0.00001\"} 3\n"
                               "h_seconds_bucket{le=\"1.0\"} 5\n"
                               "h_seconds_bucket{le=\"10.0\"} 5\n"
                               "h_seconds_bucket{le=\"+Inf\"} 6\n"
                               "h_seconds_sum 20.000000007\nh_seconds_count 6\n");
}
END_TEST

START_TEST(no_time_is_a_number_too)
{
        Exposition exposition = begin(false);

        exposition_begin(&exposition, "t_seconds", EXPOSITION_GAUGE, "seconds", "T");
        exposition_add_time(&exposition, NULL, 0);
        exposition_add_time(&exposition, NULL, UINT64_MAX);
        ck_assert_ptr_nonnull(strstr(text, "\nt_seconds 0.0\nt_seconds 18446744073.709551615\n"));
}
END_TEST

TEST_SUITE(test_exposition)
{
        TCase *exposition = tcase_create("exposition");

        tcase_add_test(exposition,
                       a_counter_is_called_by_its_family_in_one_and_by_its_sample_in_the_other);
        tcase_add_test(exposition, labels_are_escaped_and_their_text_is_printable);
        tcase_add_test(exposition, a_long_label_is_whole);
        tcase_add_test(exposition, a_histogram_counts_up_and_its_times_are_seconds);
        tcase_add_test(exposition, no_time_is_a_number_too);
        suite_add_tcase(suite, exposition);
}
