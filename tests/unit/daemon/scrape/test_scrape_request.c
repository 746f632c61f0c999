/*
 * daemon/scrape_request: what is a request for metrics, what is answered otherwise, and that no
 * bytes are taken for what they are not.
 */
#include "daemon/scrape/scrape_request.h"
#include "tests/support/fixture.h"
#include "tests/support/random.h"

#include <string.h>

static ScrapeRequest request;

static void put(const char *text)
{
        request.size = strlen(text);
        ck_assert_uint_le(request.size, sizeof(request.bytes));
        memcpy(request.bytes, text, request.size);
}

static const struct {
        const char *text;
        int status;
        bool openmetrics;
} rows[] = {
        {"GET /metrics HTTP/1.1\r\n\r\n", 200, false},
        {"GET /metrics HTTP/1.0\r\n\r\n", 200, false},
        {"GET /metrics HTTP/1.1\nHost: a\n\n", 200, false},
        {"GET /metrics?name=x&y HTTP/1.1\r\nHost: a\r\n\r\n", 200, false},
        {"GET /metrics HTTP/1.1\r\nAccept: "
         "application/openmetrics-text;version=1.0.0,text/plain\r\n"
         "\r\n",
         200, true},
        {"GET /metrics HTTP/1.1\r\naCCEPT:application/openmetrics-text\r\n\r\n", 200, true},
        {"GET /metrics HTTP/1.1\r\nAccept: text/plain\r\n\r\n", 200, false},
        {"GET /metrics HTTP/1.1\r\nX-Accept: application/openmetrics-text\r\n\r\n", 200, false},
        {"GET / HTTP/1.1\r\n\r\n", 404, false},
        {"GET /metrics/ HTTP/1.1\r\n\r\n", 404, false},
        {"GET /metricsx HTTP/1.1\r\n\r\n", 404, false},
        {"GET /METRICS HTTP/1.1\r\n\r\n", 404, false},
        {"GET /../metrics HTTP/1.1\r\n\r\n", 404, false},
        {"POST /metrics HTTP/1.1\r\n\r\n", 405, false},
        {"HEAD /metrics HTTP/1.1\r\n\r\n", 405, false},
        {"get /metrics HTTP/1.1\r\n\r\n", 405, false},
        {"GET /metrics\r\n\r\n", 400, false},
        {"GET /metrics HTTP/2.0\r\n\r\n", 400, false},
        {"GET  /metrics HTTP/1.1\r\n\r\n", 400, false},
        {" GET /metrics HTTP/1.1\r\n\r\n", 400, false},
        {"GET /metrics HTTP/1.1 \r\n\r\n", 400, false},
        {"\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n", 400, false},
        {"\n\n", 400, false},
};

START_TEST(a_request_is_judged_by_its_first_line)
{
        put(rows[_i].text);
        ck_assert(scrape_request_is_whole(&request));
        ck_assert_msg(scrape_request_judge(&request) == rows[_i].status, "%s: %d", rows[_i].text,
                      scrape_request_judge(&request));
        ck_assert(scrape_request_takes_openmetrics(&request) == rows[_i].openmetrics);
}
END_TEST

START_TEST(one_is_whole_with_its_empty_line_and_not_before)
{
        static const char text[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";

        for (size_t size = 0; size < strlen(text); size++) {
                put(text);
                request.size = size;
                ck_assert(!scrape_request_is_whole(&request));
        }
        put(text);
        ck_assert(scrape_request_is_whole(&request));
}
END_TEST

START_TEST(a_zero_byte_is_no_end)
{
        put("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        request.bytes[12] = '\0';
        ck_assert_int_eq(scrape_request_judge(&request), 400);
}
END_TEST

/* Bytes of any kind, and a good request with some of them changed; for the sanitizers. */
START_TEST(any_bytes_are_judged)
{
        uint64_t random = 7;

        for (int i = 0; i < 20000; i++) {
                put(rows[i % 8].text);
                for (int n = 0; n < 3; n++)
                        request.bytes[random_below(&random, (uint32_t)request.size)] =
                                (char)random_below(&random, 256);
                request.size -= random_below(&random, 4);
                scrape_request_is_whole(&request);
                ck_assert_int_ge(scrape_request_judge(&request), 200);
                scrape_request_takes_openmetrics(&request);
        }
        request.size = 0;
        ck_assert(!scrape_request_is_whole(&request));
        ck_assert_int_eq(scrape_request_judge(&request), 400);
}
END_TEST

TEST_SUITE(test_scrape_request)
{
        TCase *requests = tcase_create("requests");

        tcase_add_loop_test(requests, a_request_is_judged_by_its_first_line, 0,
                            sizeof(rows) / sizeof(rows[0]));
        tcase_add_test(requests, one_is_whole_with_its_empty_line_and_not_before);
        tcase_add_test(requests, a_zero_byte_is_no_end);
        tcase_add_test(requests, any_bytes_are_judged);
        suite_add_tcase(suite, requests);
}
