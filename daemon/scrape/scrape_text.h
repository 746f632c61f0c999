/*
 * ScrapeText: what scrapes are answered with, made once and shared by those who have not been sent
 * all of it.
 */
#pragma once

#include "core/exposition.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ScrapeText {
        unsigned references;
        uint64_t made_ms;
        size_t size;
        char *bytes; /* owned */
} ScrapeText;

/* Made now, with one reference. NULL: there was no memory. */
ScrapeText *scrape_text_new(bool is_openmetrics, uint64_t now_ms,
                            void (*tell)(void *data, Exposition *exposition), void *data);
ScrapeText *scrape_text_ref(ScrapeText *text);
/* Of NULL, nothing. Returns NULL. */
ScrapeText *scrape_text_unref(ScrapeText *text);
