/* The text of answers. See scrape_text.h. */
#include "daemon/scrape/scrape_text.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 16384 };

/* A text that grows. */
typedef struct Growing {
        ScrapeText *text;
        size_t capacity;
        bool failed; /* for want of memory */
} Growing;

static bool make_room(Growing *growing, size_t size)
{
        size_t capacity = growing->capacity ? growing->capacity : FIRST_CAPACITY;
        char *bytes;

        while (capacity - growing->text->size < size)
                capacity *= 2;
        if (capacity == growing->capacity)
                return true;
        bytes = realloc(growing->text->bytes, capacity);
        if (!bytes)
                return false;
        growing->text->bytes = bytes;
        growing->capacity = capacity;
        return true;
}

static void append(void *data, const char *piece, size_t size)
{
        Growing *growing = data;

        if (growing->failed || !make_room(growing, size)) {
                growing->failed = true;
                return;
        }
        memcpy(growing->text->bytes + growing->text->size, piece, size);
        growing->text->size += size;
}

ScrapeText *scrape_text_new(bool is_openmetrics, uint64_t now_ms,
                            void (*tell)(void *data, Exposition *exposition), void *data)
{
        Growing growing = {.text = calloc(1, sizeof(ScrapeText))};
        Exposition exposition = {
                .is_openmetrics = is_openmetrics,
                .write = append,
                .data = &growing,
        };

        if (!growing.text)
                return NULL;
        growing.text->references = 1;
        growing.text->made_ms = now_ms;
        tell(data, &exposition);
        return growing.failed ? scrape_text_unref(growing.text) : growing.text;
}

ScrapeText *scrape_text_ref(ScrapeText *text)
{
        text->references++;
        return text;
}

ScrapeText *scrape_text_unref(ScrapeText *text)
{
        if (!text || --text->references > 0)
                return NULL;
        free(text->bytes);
        free(text);
        return NULL;
}
