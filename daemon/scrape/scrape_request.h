/*
 * A request for metrics, as it comes over HTTP: that little of it which has to be understood. What
 * is not understood is refused, never guessed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { SCRAPE_REQUEST_MAX = 4096 };

typedef struct ScrapeRequest {
        size_t size;
        char bytes[SCRAPE_REQUEST_MAX];
} ScrapeRequest;

/* Whether all of it is there; of the rest nothing is wanted. */
bool scrape_request_is_whole(const ScrapeRequest *request);
/* Of a whole one: the status of its answer: 200, or 400, 404, 405. */
int scrape_request_judge(const ScrapeRequest *request);
/* Of one to be answered: whether OpenMetrics is what it takes; else the older format. */
bool scrape_request_takes_openmetrics(const ScrapeRequest *request);
