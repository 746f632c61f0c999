/* Results, and the table of them. See report.h. */
#include "tests/torture/report.h"

#include "core/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define TABLE_BEGIN "<!-- ./dev torture writes from here -->\n"
#define TABLE_END   "<!-- to here -->\n"

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

static void write_machine(const json_t *machine, FILE *out)
{
        int cores = (int)json_integer_value(json_object_get(machine, "cores"));

        fprintf(out, "Measured on Linux %s with %d cores. The daemon and its healthy clients were ",
                json_string_value(json_object_get(machine, "kernel")), cores);
        if (json_is_true(json_object_get(machine, "two_users")))
                fputs("an ordinary user's, without any\ncapability; the attackers were another "
                      "ordinary user.\n",
                      out);
        else
                fputs("an ordinary user's, and so were\nthe attackers.\n", out);
}

static void write_row(const TortureCase *case_, const json_t *entry, FILE *out)
{
        const char *broken = json_string_value(json_object_get(entry, "broken"));

        fprintf(out, "| `%s` | %s | %s | %s | ", case_->name, case_->fault, case_->injected,
                case_->promised);
        if (broken && *broken)
                fprintf(out, "**Broken**: %s; ", broken);
        else if (json_is_true(json_object_get(entry, "missed")))
                fputs("**Missed**: ", out);
        fprintf(out, "%s |\n", json_string_value(json_object_get(entry, "measured")));
}

static void write_table(const json_t *results, FILE *out)
{
        const json_t *machine = NULL;

        for (const TortureCase *case_ = torture_cases; case_->name && !machine; case_++)
                machine = json_object_get(json_object_get(results, case_->name), "machine");
        fputs(TABLE_BEGIN, out);
        if (machine)
                write_machine(machine, out);
        fputs("\n| case | fault | how injected | promised | measured |\n"
              "| --- | --- | --- | --- | --- |\n",
              out);
        for (const TortureCase *case_ = torture_cases; case_->name; case_++) {
                const json_t *entry = json_object_get(results, case_->name);

                if (entry)
                        write_row(case_, entry, out);
        }
        fputs(TABLE_END, out);
}

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
        const char *from = strstr(text, TABLE_BEGIN);
        const char *to = from ? strstr(from, TABLE_END) : NULL;
        FILE *out;

        if (!to)
                torture_fail("%s has no place for the table", path);
        out = fopen(path, "we");
        if (!out)
                torture_fail("%s: %s", path, strerror(errno));
        fwrite(text, 1, (size_t)(from - text), out);
        write_table(results, out);
        fputs(to + strlen(TABLE_END), out);
        if (fclose(out) != 0)
                torture_fail("%s: %s", path, strerror(errno));
        free(text);
}
