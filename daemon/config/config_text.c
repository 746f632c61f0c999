/* A configuration file's text. See config_text.h. */
#include "daemon/config/config_text.h"

#include "core/cleanup.h"
#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
        /* Braces in braces; the syntax has two. */
        DEPTH_MAX = 8,
};

/* Where in the text the pass is. */
typedef struct Place {
        const char *path;
        char *at;
        int line;
        int depth;
        int opened[DEPTH_MAX]; /* the lines of the braces that are open */
} Place;

static int mistake(const Place *place, int line, const char *what)
{
        return error_set(EINVAL, "%s:%d: %s", place->path, line, what);
}

int config_text_check_owner(const char *path, int borrow_fd)
{
        struct stat status;

        if (fstat(borrow_fd, &status) < 0)
                return error_set(errno, "%s: %s", path, strerror(errno));
        if (geteuid() != 0)
                return 0;
        if (status.st_uid != 0)
                return error_set(EPERM, "%s: it has to be root's, since the daemon is", path);
        if (status.st_mode & S_IWOTH || (status.st_mode & S_IWGRP && status.st_gid != 0))
                return error_set(EPERM, "%s: others may write it: chmod go-w", path);
        return 0;
}

/* To the end of a comment, or -EINVAL. */
static int blank_comment(Place *place)
{
        bool is_long = place->at[0] == '/' && place->at[1] == '*';
        int line = place->line;

        if (!is_long) {
                while (*place->at && *place->at != '\n')
                        *place->at++ = ' ';
                return 0;
        }
        while (*place->at && strncmp(place->at, "*/", 2) != 0) {
                if (*place->at == '\n')
                        place->line++;
                else
                        *place->at = ' ';
                place->at++;
        }
        if (!*place->at)
                return mistake(place, line, "the comment that begins here has no */");
        memset(place->at, ' ', 2);
        place->at += 2;
        return 0;
}

/* Past a string, or -EINVAL. Strings are kept on their line: the one that was forgotten to be
 * closed is found where it is. */
static int skip_string(Place *place)
{
        char quote = *place->at++;

        while (*place->at != quote) {
                if (*place->at == '\\' && place->at[1])
                        place->at++;
                if (!*place->at || *place->at == '\n')
                        return mistake(place, place->line,
                                       "the string that begins here has no end on its line");
                place->at++;
        }
        place->at++;
        return 0;
}

static int count_brace(Place *place)
{
        if (*place->at == '{') {
                if (place->depth == DEPTH_MAX)
                        return mistake(place, place->line, "there are too many braces in braces");
                place->opened[place->depth++] = place->line;
        } else if (place->depth-- == 0) {
                return mistake(place, place->line, "this } closes nothing");
        }
        place->at++;
        return 0;
}

static bool begins_comment(const char *text, const char *at)
{
        /* Within a word it is a part of that: unix:/run/a//b. */
        if (at > text && !strchr(" \t\r\n={},\"'", at[-1]))
                return false;
        return *at == '#' || (*at == '/' && (at[1] == '/' || at[1] == '*'));
}

/* As editors of other systems write it: a mark that it is UTF-8 becomes blank, and lines end by a
 * newline alone. */
static void use_plain_lines(char *text, size_t length)
{
        static const char mark[] = "\xef\xbb\xbf";

        if (strncmp(text, mark, strlen(mark)) == 0)
                memset(text, ' ', strlen(mark));
        for (size_t i = 0; i < length; i++) {
                if (text[i] == '\r')
                        text[i] = text[i + 1] == '\n' ? ' ' : '\n';
        }
}

static int prepare(const char *path, char *text, size_t length)
{
        Place place = {.path = path, .at = text, .line = 1};
        int r = 0;

        while (*place.at && r == 0) {
                if (begins_comment(text, place.at)) {
                        r = blank_comment(&place);
                } else if (*place.at == '"' || *place.at == '\'') {
                        r = skip_string(&place);
                } else if (*place.at == '{' || *place.at == '}') {
                        r = count_brace(&place);
                } else if (*place.at == '*') {
                        /* libconfuse would end the value before it. */
                        r = mistake(&place, place.line, "a value with * in it needs quotes");
                } else if (*place.at++ == '\n') {
                        place.line++;
                }
        }
        if (r < 0)
                return r;
        if (place.at != text + length)
                return mistake(&place, place.line, "there is a zero byte in it");
        if (place.depth > 0)
                return mistake(&place, place.opened[place.depth - 1],
                               "the { that begins here has no closing }");
        return 0;
}

int config_text_read(const char *path, char **out)
{
        CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        CLEANUP(cleanup_free) char *text = NULL;
        struct stat status;
        size_t length = 0;
        ssize_t n;
        int r;

        if (fd < 0 || fstat(fd, &status) < 0)
                return error_set(errno, "%s: %s", path, strerror(errno));
        if (!S_ISREG(status.st_mode))
                return error_set(EINVAL, "%s: it is not a file", path);
        r = config_text_check_owner(path, fd);
        if (r < 0)
                return r;
        text = malloc(CONFIG_TEXT_MAX + 1);
        if (!text)
                return error_set(ENOMEM, "%s: there is no memory to read it", path);
        while (length <= CONFIG_TEXT_MAX) {
                n = read(fd, text + length, CONFIG_TEXT_MAX + 1 - length);
                if (n < 0)
                        return error_set(errno, "%s: %s", path, strerror(errno));
                if (n == 0)
                        break;
                length += (size_t)n;
        }
        if (length > CONFIG_TEXT_MAX)
                return error_set(EINVAL, "%s: it has more than %d bytes", path, CONFIG_TEXT_MAX);
        text[length] = '\0';
        use_plain_lines(text, length);
        r = prepare(path, text, length);
        if (r < 0)
                return r;
        *out = STEAL_PTR(text);
        return 0;
}

/* Whether the line has the word, with a blank, a quote or a brace on both sides. */
static const char *find_word(const char *line, size_t length, const char *word)
{
        static const char around[] = " \t\r\"'{";
        const char *end = line + length, *at = line;
        size_t word_length = strlen(word);

        while (word_length > 0 && (at = memmem(at, (size_t)(end - at), word, word_length))) {
                const char *after = at + word_length;

                if ((at == line || strchr(around, at[-1])) &&
                    (after == end || strchr(around, *after)))
                        return after;
                at++;
        }
        return NULL;
}

int config_text_find_block(const char *text, const char *keyword, const char *title)
{
        int line = 1;

        for (; *text; line++) {
                size_t length = strcspn(text, "\n");
                const char *rest = find_word(text, length, keyword);

                if (rest && find_word(rest, (size_t)(text + length - rest), title))
                        return line;
                text += length;
                if (*text)
                        text++;
        }
        return 0;
}
