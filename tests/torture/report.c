/* Results, and what is written of them. See report.h. */
#include "tests/torture/report.h"

#include "core/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PLACE_BEGIN "<!-- ./dev torture writes from here -->\n"
#define PLACE_END   "<!-- to here -->\n"

enum { COLUMNS = 100 };

json_t *report_read(const char *path)
{
        json_t *results = json_load_file(path, 0, NULL);

        return json_is_object(results) ? results : json_object();
}

static json_t *describe_machine(void)
{
        struct utsname name;

        if (uname(&name) < 0)
                torture_fail("uname: %s", strerror(errno));
        /* Without what its builder calls it. */
        name.release[strspn(name.release, "0123456789.")] = '\0';
        return json_pack("{s:s, s:i, s:b}", "kernel", name.release, "cores",
                         (int)sysconf(_SC_NPROCESSORS_ONLN), "two_users", geteuid() == 0);
}

void report_put(json_t *results, const TortureCase *case_, const Result *result)
{
        json_t *entry =
                json_pack("{s:s, s:s, s:b, s:b, s:O, s:o}", "measured", result->measured, "broken",
                          result->broken, "missed", result->missed, "skipped", result->skipped,
                          "figures", result->figures, "machine", describe_machine());

        json_object_set_new(results, case_->name, entry);
}

void report_write(const json_t *results, const char *path)
{
        if (json_dump_file(results, path, JSON_INDENT(2) | JSON_SORT_KEYS) < 0)
                torture_fail("cannot write %s", path);
}

/* ---- The healthy clients ------------------------------------------------------------------- */

/* A client's p99, in quiet and beside it, and their ratio. */
static void write_client(const json_t *client, FILE *out)
{
        const char *mark = json_is_true(json_object_get(client, "missed")) ? "**" : "";

        fprintf(out, "%.2f → %.2f (%s%.2f%s)",
                json_number_value(json_object_get(client, "quiet_p99_ms")),
                json_number_value(json_object_get(client, "beside_p99_ms")), mark,
                json_number_value(json_object_get(client, "ratio")), mark);
}

static const json_t *neighbours_of(const json_t *entry)
{
        return json_object_get(json_object_get(entry, "figures"), "neighbours");
}

static void write_table(const json_t *results, FILE *out)
{
        fputs("\n| p99 in ms, quiet → beside |", out);
        for (Waits waits = 0; waits < WAITS_COUNT; waits++)
                fprintf(out, " %s |", world_waits[waits].name);
        fputs("\n| --- | --- | --- | --- |\n", out);
        for (const TortureCase *case_ = torture_cases; case_->name; case_++) {
                const json_t *neighbours = neighbours_of(json_object_get(results, case_->name));

                if (!neighbours)
                        continue;
                fprintf(out, "| `%s` |", case_->name);
                for (Waits waits = 0; waits < WAITS_COUNT; waits++) {
                        fputs(" ", out);
                        write_client(json_object_get(neighbours, world_waits[waits].name), out);
                        fputs(" |", out);
                }
                fputs("\n", out);
        }
}

/* ---- The list ------------------------------------------------------------------------------ */

/* As it is seen: the bytes that begin a character. */
static size_t width_of(const char *text, size_t size)
{
        size_t width = 0;

        for (size_t i = 0; i < size; i++)
                width += ((unsigned char)text[i] & 0xc0) != 0x80;
        return width;
}

/* In lines of so many columns; all but the first are indented. */
static void write_wrapped(const char *text, const char *indentation, FILE *out)
{
        size_t column = 0;

        while (*text) {
                size_t size = strcspn(text, " "), width = width_of(text, size);

                if (column > 0 && column + 1 + width > COLUMNS) {
                        fprintf(out, "\n%s", indentation);
                        column = strlen(indentation);
                } else if (column > 0) {
                        fputs(" ", out);
                        column++;
                }
                fwrite(text, 1, size, out);
                column += width;
                text += size;
                text += strspn(text, " ");
        }
        fputs("\n", out);
}

static void write_machine(const json_t *machine, FILE *out)
{
        bool two_users = json_is_true(json_object_get(machine, "two_users"));
        char text[512];

        snprintf(text, sizeof(text),
                 "Measured on Linux %s with %d cores. The daemon and its healthy clients were an "
                 "ordinary user's, %s.",
                 json_string_value(json_object_get(machine, "kernel")),
                 (int)json_integer_value(json_object_get(machine, "cores")),
                 two_users ? "without any capability; the attackers were another ordinary user"
                           : "and so were the attackers");
        write_wrapped(text, "", out);
}

static void write_item(const TortureCase *case_, const json_t *entry, FILE *out)
{
        const char *broken = json_string_value(json_object_get(entry, "broken"));
        bool missed = json_is_true(json_object_get(entry, "missed")) && !neighbours_of(entry);
        char text[4096];
        int n = snprintf(text, sizeof(text), "- **%s** (`%s`): %s. ", case_->fault, case_->name,
                         case_->injected);

        if (case_->promised)
                n += snprintf(text + n, sizeof(text) - (size_t)n, "Promised: %s. ",
                              case_->promised);
        if (broken && *broken)
                n += snprintf(text + n, sizeof(text) - (size_t)n, "**Broken**: %s. ", broken);
        snprintf(text + n, sizeof(text) - (size_t)n, "%s: %s.", missed ? "**Missed**" : "Measured",
                 json_string_value(json_object_get(entry, "measured")));
        write_wrapped(text, "  ", out);
}

static void write_results(const json_t *results, FILE *out)
{
        const json_t *machine = NULL;

        for (const TortureCase *case_ = torture_cases; case_->name && !machine; case_++)
                machine = json_object_get(json_object_get(results, case_->name), "machine");
        fputs(PLACE_BEGIN, out);
        if (machine)
                write_machine(machine, out);
        write_table(results, out);
        fputs("\n", out);
        for (const TortureCase *case_ = torture_cases; case_->name; case_++) {
                const json_t *entry = json_object_get(results, case_->name);

                if (entry)
                        write_item(case_, entry, out);
        }
        fputs(PLACE_END, out);
}

void report_print(const TortureCase *case_, const Result *result)
{
        const json_t *neighbours = json_object_get(result->figures, "neighbours");
        const char *verdict = "ok";

        if (*result->broken)
                verdict = "BROKEN";
        else if (result->skipped)
                verdict = "skipped";
        else if (result->missed)
                verdict = "missed";
        printf("%-8s %-22s %s%s", verdict, case_->name, result->broken,
               *result->broken ? "; " : "");
        for (Waits waits = 0; neighbours && waits < WAITS_COUNT; waits++) {
                printf("%s ", world_waits[waits].name);
                write_client(json_object_get(neighbours, world_waits[waits].name), stdout);
                fputs("; ", stdout);
        }
        puts(result->measured);
        fflush(stdout);
}

/* ---- The document -------------------------------------------------------------------------- */

/* The caller's to free. */
static char *read_all(const char *path)
{
        CLEANUP(cleanup_fclose) FILE *file = fopen(path, "re");
        struct stat status;
        char *text;

        if (!file || fstat(fileno(file), &status) < 0)
                torture_fail("%s: %s", path, strerror(errno));
        text = calloc(1, (size_t)status.st_size + 1);
        if (!text || fread(text, 1, (size_t)status.st_size, file) != (size_t)status.st_size)
                torture_fail("%s cannot be read", path);
        return text;
}

void report_write_document(const json_t *results, const char *path)
{
        char *text = read_all(path);
        const char *from = strstr(text, PLACE_BEGIN);
        const char *to = from ? strstr(from, PLACE_END) : NULL;
        FILE *out;

        if (!to)
                torture_fail("%s has no place for the results", path);
        out = fopen(path, "we");
        if (!out)
                torture_fail("%s: %s", path, strerror(errno));
        fwrite(text, 1, (size_t)(from - text), out);
        write_results(results, out);
        fputs(to + strlen(PLACE_END), out);
        if (fclose(out) != 0)
                torture_fail("%s: %s", path, strerror(errno));
        free(text);
}
