/* Help. See help.h. */
#include "ctl/help.h"

#include "ctl/options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { INDENT = 24 }; /* of what is said of a verb or an option */

static void print_entry(const char *left, const char *right)
{
        const size_t length = strlen(left);

        if (length < INDENT)
                printf("%-*s", INDENT, left);
        else
                printf("%s\n%*s", left, INDENT, "");
        for (; *right; right++) {
                putchar(*right);
                if (*right == '\n')
                        printf("%*s", INDENT, "");
        }
        putchar('\n');
}

static void print_option(const Option *option)
{
        char letter[] = {'-', option->letter, ',', '\0'}, left[64];

        snprintf(left, sizeof(left), "  %3s --%s%s%s", option->letter ? letter : "", option->name,
                 option->argument ? " " : "", option->argument ? option->argument : "");
        print_entry(left, option->help);
}

/* verb: NULL: of all. */
static void print_options(const Verb *verb)
{
        const Option *option;

        putchar('\n');
        for (size_t i = 0; (option = options_at(i)); i++) {
                if (!verb || option_goes_with(option, verb))
                        print_option(option);
        }
}

static void print_all(void)
{
        const Verb *verb;
        char left[64];

        puts("Usage: kyronctl [OPTION]... [VERB [ARGUMENT]...]\n"
             "Show whom kyron-iod waits for, and what it keeps open for them; steer it.\n");
        for (size_t i = 0; (verb = verbs_at(i)); i++) {
                if (verb->begins_group)
                        putchar('\n');
                snprintf(left, sizeof(left), "  %s %s", verb->name, verb->arguments);
                print_entry(left, verb->summary);
        }
        print_options(NULL);
        puts("\nWhat goes with one verb: kyronctl VERB --help. See kyronctl(1).");
}

static void print_verb(const Verb *verb)
{
        const char *text = verb->summary;

        printf("Usage: kyronctl [OPTION]... %s%s%s\n", verb->name, *verb->arguments ? " " : "",
               verb->arguments);
        printf("%c%s.\n", toupper((unsigned char)*text), text + 1);
        print_options(verb);
        puts("\nSee kyronctl(1).");
}

void help_print(const Verb *verb)
{
        if (verb)
                print_verb(verb);
        else
                print_all();
}
