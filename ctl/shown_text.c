/* Text on terminals. See shown_text.h. */
#include "ctl/shown_text.h"

#include "core/cleanup.h"

#include <langinfo.h>
#include <stdbool.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

static bool is_utf8(void)
{
        return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* The next character and how wide it is; one that is not to be shown has no width. Returns how many
 * bytes it has. */
static size_t next_character(const char *text, size_t *width)
{
        mbstate_t state = {0};
        wchar_t character;
        size_t n;
        int columns;

        *width = *text >= ' ' && *text <= '~';
        if (*width == 1 || !is_utf8())
                return 1;
        n = mbrtowc(&character, text, strlen(text), &state);
        if (n == 0 || n == (size_t)-1 || n == (size_t)-2)
                return 1;
        columns = iswprint((wint_t)character) ? wcwidth(character) : 0;
        if (columns > 0)
                *width = (size_t)columns;
        return n;
}

void shown_text_make_printable(char *text)
{
        char *out = text;
        size_t width;

        while (*text) {
                const size_t n = next_character(text, &width);

                if (width == 0)
                        *out = '?';
                else if (out != text)
                        memmove(out, text, n);
                out += width > 0 ? n : 1;
                text += n;
        }
        /* What is printable already may be where nothing can be written. */
        if (out != text)
                *out = '\0';
}

size_t shown_text_width(const char *text)
{
        size_t sum = 0, width;

        while (*text) {
                text += next_character(text, &width);
                sum += width;
        }
        return sum;
}

const char *shown_text_ellipsis(void)
{
        return is_utf8() ? "…" : "...";
}

void shown_text_print(FILE *out, const char *text, size_t width)
{
        const char *mark = shown_text_ellipsis();
        size_t left = shown_text_width(mark), each;

        if (shown_text_width(text) <= width) {
                fputs(text, out);
                return;
        }
        /* Where not even that has room. */
        if (left > width) {
                fprintf(out, "%.*s", (int)width, "...");
                return;
        }
        left = width - left;
        for (size_t n = next_character(text, &each); each <= left;
             n = next_character(text, &each)) {
                fwrite(text, 1, n, out);
                text += n;
                left -= each;
        }
        fputs(mark, out);
}

char *shown_text_cut(const char *text, size_t width)
{
        char *cut = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&cut, &size);

        if (!stream)
                return NULL;
        shown_text_print(stream, text, width);
        if (fclose(stream) == 0)
                return cut;
        free(cut);
        return NULL;
}
