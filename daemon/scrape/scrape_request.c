/* Requests for metrics. See scrape_request.h. */
#include "daemon/scrape/scrape_request.h"

#include <string.h>
#include <strings.h>

static const char target[] = "/metrics";
static const char accept_name[] = "accept:";
static const char openmetrics[] = "application/openmetrics-text";

typedef struct Word {
        const char *text;
        size_t length;
} Word;

bool scrape_request_is_whole(const ScrapeRequest *request)
{
        return memmem(request->bytes, request->size, "\r\n\r\n", 4) ||
               memmem(request->bytes, request->size, "\n\n", 2);
}

/* The line there, without its end; *at is behind it then. false: there is none. */
static bool next_line(const ScrapeRequest *request, size_t *at, Word *line)
{
        const char *begin = request->bytes + *at;
        const char *end = memchr(begin, '\n', request->size - *at);

        if (!end)
                return false;
        *line = (Word){begin, (size_t)(end - begin)};
        *at += line->length + 1;
        if (line->length > 0 && end[-1] == '\r')
                line->length--;
        return true;
}

/* What is before the next blank, or the rest. */
static Word next_word(Word *line)
{
        const char *blank = memchr(line->text, ' ', line->length);
        Word word = {line->text, blank ? (size_t)(blank - line->text) : line->length};
        size_t used = word.length + (blank != NULL);

        line->text += used;
        line->length -= used;
        return word;
}

static bool is(Word word, const char *text)
{
        return word.length == strlen(text) && memcmp(word.text, text, word.length) == 0;
}

/* The path of a target: what is before a query. */
static Word path_of(Word word)
{
        const char *query = memchr(word.text, '?', word.length);

        return (Word){word.text, query ? (size_t)(query - word.text) : word.length};
}

int scrape_request_judge(const ScrapeRequest *request)
{
        Word line, method, asked_for, version;
        size_t at = 0;

        if (memchr(request->bytes, '\0', request->size) || !next_line(request, &at, &line))
                return 400;
        method = next_word(&line);
        asked_for = next_word(&line);
        version = line;
        if (method.length == 0 || asked_for.length == 0 ||
            !(is(version, "HTTP/1.1") || is(version, "HTTP/1.0")))
                return 400;
        if (!is(method, "GET"))
                return 405;
        return is(path_of(asked_for), target) ? 200 : 404;
}

/* Whoever names it takes it: what is preferred is not weighed. */
bool scrape_request_takes_openmetrics(const ScrapeRequest *request)
{
        const size_t name_length = strlen(accept_name);
        Word line;
        size_t at = 0;

        while (next_line(request, &at, &line)) {
                if (line.length > name_length &&
                    strncasecmp(line.text, accept_name, name_length) == 0 &&
                    memmem(line.text, line.length, openmetrics, strlen(openmetrics)))
                        return true;
        }
        return false;
}
