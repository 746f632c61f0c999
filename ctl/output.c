/* Tables and JSON. See output.h. */
#include "ctl/output.h"

#include "core/error.h"
#include "ctl/shown_text.h"
#include "ctl/terminal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static ExitCode no_memory(void)
{
        error_set(ENOMEM, "no memory for the answer");
        return EXIT_CODE_FAILED;
}

ExitCode output_list_open(OutputList *list, const CommandLine *command_line,
                          const OutputColumn *columns, size_t n)
{
        int r = 0;

        *list = (OutputList){.no_legend = command_line->no_legend, .wide = command_line->wide};
        output_table_open(&list->table, columns, n);
        if (command_line->json)
                return (list->array = json_array()) ? EXIT_CODE_OK : no_memory();
        if (command_line->sort)
                r = output_table_sort_by(&list->table, command_line->sort);
        if (r < 0)
                return r == -EINVAL ? EXIT_CODE_USAGE : EXIT_CODE_FAILED;
        return EXIT_CODE_OK;
}

void output_list_close(OutputList *list)
{
        json_decref(list->array);
        output_table_close(&list->table);
        list->array = NULL;
        list->row = NULL;
}

void output_list_append(OutputList *list, json_t *take_object)
{
        list->count++;
        if (json_array_append_new(list->array, take_object) < 0)
                list->failed = true;
}

void output_list_begin_row(OutputList *list)
{
        list->count++;
        list->cell = 0;
        list->row = output_table_add(&list->table);
        if (!list->row)
                list->failed = true;
}

void output_list_cell(OutputList *list, const char *format, ...)
{
        va_list args;
        char *text;
        int r;

        if (!list->row || list->cell == list->table.column_count)
                return;
        va_start(args, format);
        r = vasprintf(&text, format, args);
        va_end(args);
        if (r < 0) {
                list->failed = true;
                return;
        }
        shown_text_make_printable(text);
        list->row[list->cell++].text = text;
}

void output_list_rank(OutputList *list, uint64_t rank)
{
        if (!list->row || list->cell == 0)
                return;
        list->row[list->cell - 1].ranked = true;
        list->row[list->cell - 1].rank = rank;
}

ExitCode output_list_print(OutputList *list, const char *what)
{
        const OutputFit fit = {
                .width = list->wide ? 0 : terminal_size(STDOUT_FILENO).columns,
                .no_legend = list->no_legend,
        };

        if (list->failed)
                return no_memory();
        if (list->array)
                return output_json(json_incref(list->array));
        if (list->count == 0 && !list->no_legend)
                fprintf(stderr, "no %s\n", what);
        return output_table_print(&list->table, &fit, stdout) < 0 ? no_memory() : EXIT_CODE_OK;
}

static ExitCode write_json(json_t *take_value, size_t flags)
{
        int r;

        if (!take_value)
                return no_memory();
        r = json_dumpf(take_value, stdout, flags);
        json_decref(take_value);
        /* A failure to write stays with the stream, for main(). */
        if (r < 0 && !ferror(stdout))
                return no_memory();
        putchar('\n');
        return EXIT_CODE_OK;
}

ExitCode output_json(json_t *take_value)
{
        return write_json(take_value, JSON_INDENT(2));
}

ExitCode output_json_line(json_t *take_value)
{
        return write_json(take_value, JSON_COMPACT);
}

void output_add(json_t **object, const char *key, json_t *take_value)
{
        if (json_object_set_new(*object, key, take_value) < 0) {
                json_decref(*object);
                *object = NULL;
        }
}

void output_add_text(json_t **object, const char *key, const char *text)
{
        json_t *value = json_string(text);
        char *copy;

        /* JSON takes UTF-8 only, and the name of a file can be anything. */
        if (!value && (copy = strdup(text))) {
                output_make_printable(copy);
                value = json_string(copy);
                free(copy);
        }
        output_add(object, key, value);
}

void output_add_number(json_t **object, const char *key, uint64_t number)
{
        /* jansson's integers are signed. No counter gets that far. */
        output_add(object, key, json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number));
}

void output_add_time(json_t **object, const char *key, uint64_t nanoseconds)
{
        time_t seconds = (time_t)(nanoseconds / 1000000000u);
        char text[32];
        struct tm time;

        if (gmtime_r(&seconds, &time) &&
            strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &time) > 0)
                output_add_text(object, key, text);
        else
                output_add(object, key, json_null());
}

const char *output_duration(uint64_t ms, char buffer[static OUTPUT_DURATION_MAX])
{
        static const struct {
                uint64_t ms;
                const char *name;
        } units[] = {
                {86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"},
        };
        size_t i = 0;

        while (ms < units[i].ms && units[i].ms > 1)
                i++;
        snprintf(buffer, OUTPUT_DURATION_MAX, "%" PRIu64 "%s", ms / units[i].ms, units[i].name);
        return buffer;
}

void output_make_printable(char *text)
{
        shown_text_make_printable(text);
}
