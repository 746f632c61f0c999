/* What may be written in a configuration file. See config_syntax.h. */
#include "daemon/config/config_syntax.h"

#include "core/address_service.h"
#include "core/error.h"
#include "daemon/config/config.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        /* What libconfuse takes to read a file: its lexer's buffers, and for a character of a list
         * of short words. */
        LEXER_BYTES = 64 * 1024,
        BYTES_OF_CHARACTER = 64,
        WORDS_MAX = 3, /* that a key takes one of */
};

static int check_log_level(const char *text)
{
        int level;

        return options_read_log_level("log-level", text, &level);
}

static int check_admin_group(const char *text)
{
        if (!*text || strlen(text) > CONFIG_GROUP_NAME_MAX)
                return error_set(EINVAL, "admin-group takes a name of 1 to %d bytes",
                                 CONFIG_GROUP_NAME_MAX);
        return 0;
}

int config_syntax_name_server(const char *text, Address *out)
{
        static const char *const forms[] = {"udp:%s", "udp:%s:53", "udp:[%s]:53"};
        char address_text[512];

        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
                if (snprintf(address_text, sizeof(address_text), forms[i], text) <
                            (int)sizeof(address_text) &&
                    address_parse(address_text, out) == 0 && out->host_is == ADDRESS_NUMBER &&
                    out->port != 0)
                        return 0;
        }
        return error_set(EINVAL, "name-servers takes numeric addresses, not \"%.80s\"", text);
}

static int check_name_server(const char *text)
{
        Address address;

        return config_syntax_name_server(text, &address);
}

static int check_address(const char *text)
{
        Address address;
        int r = address_parse_asking(text, &address);

        if (r < 0)
                return r;
        if (address.kind == ADDRESS_UDP)
                return error_set(EINVAL, "a listener's address is tcp: or unix:, not \"%s\"", text);
        if (address.host_is == ADDRESS_NAME)
                return error_set(EINVAL, "a listener's host is a number or *, not \"%s\"", text);
        return 0;
}

static int check_mode(const char *text)
{
        if (!*text || strlen(text) > 4 || text[strspn(text, "01234567")] ||
            strtoul(text, NULL, 8) > 0777)
                return error_set(EINVAL, "socket-mode takes an octal number to 0777, not \"%.80s\"",
                                 text);
        return 0;
}

/* A key, and what its value has to be: a number from min to max; one of some words; what check
 * takes; or else true or false. */
typedef struct Key {
        const char *section; /* "root": outside of blocks */
        const char *name;
        uint32_t min, max;
        const char *words[WORDS_MAX + 1]; /* the last is NULL */
        int (*check)(const char *text);
        bool is_pattern;
        unsigned values_max; /* of a list; 0: any number */
} Key;

static const Key keys[] = {
        {"root", "max-sessions", 1, OPTIONS_SESSIONS_LIMIT},
        {"root", "max-sessions-per-user", 1, OPTIONS_SESSIONS_LIMIT},
        {"root", "max-registrations-per-session", 1, OPTIONS_REGISTRATIONS_LIMIT},
        {"root", "max-registrations-per-user", 1, UINT32_MAX},
        {"root", "max-sessions-per-second", 1, CONFIG_SESSIONS_PER_SECOND_LIMIT},
        {"root", "max-descriptors", 1, CONFIG_DESCRIPTORS_LIMIT},
        {"root", "log-level", .check = check_log_level},
        {"root", "admin-group", .check = check_admin_group},
        {"root", "name-servers", .check = check_name_server, .values_max = CONFIG_NAME_SERVERS_MAX},
        {"root", "audit"},
        {"listener", "address", .check = check_address},
        {"listener", "mode", .words = {"shared", "take", "metrics"}},
        {"listener", "when", .words = {"accepted", "readable"}},
        {"listener", "balance", .words = {"round-robin", "least-loaded"}},
        {"listener", "backlog", 0, CONFIG_BACKLOG_LIMIT},
        {"listener", "v6-only"},
        {"listener", "reuse-address"},
        {"listener", "nodelay"},
        {"listener", "keepalive"},
        {"listener", "silent-ms", 1, CONFIG_SILENT_MS_LIMIT},
        {"listener", "socket-mode", .check = check_mode},
        {"policy", "listen", .is_pattern = true},
        {"policy", "connect", .is_pattern = true},
        {"policy", "bind", .is_pattern = true},
        {"policy", "serve", .is_pattern = true},
        {"policy", "hold", .is_pattern = true},
        {"policy", "delivery", .is_pattern = true},
        {"policy", "sessions", 0, UINT32_MAX},
        {"policy", "registrations", 0, UINT32_MAX},
        {"policy", "listeners", 0, UINT32_MAX},
        {"policy", "holds", 0, UINT32_MAX},
        {"policy", "connects", 0, UINT32_MAX},
};

/* All are strings to libconfuse, so that a mistake can be said with the value. */
#define TEXT(name) CFG_STR(name, NULL, CFGF_NODEFAULT)
#define LIST(name) CFG_STR_LIST(name, NULL, CFGF_NODEFAULT)

static cfg_opt_t listener_options[] = {
        TEXT("address"),   TEXT("mode"),      TEXT("when"),          TEXT("balance"),
        TEXT("backlog"),   TEXT("v6-only"),   TEXT("reuse-address"), TEXT("nodelay"),
        TEXT("keepalive"), TEXT("silent-ms"), TEXT("socket-mode"),   CFG_END(),
};
static cfg_opt_t policy_options[] = {
        LIST("listen"),    LIST("connect"),  LIST("bind"),     LIST("serve"),
        LIST("hold"),      LIST("delivery"), TEXT("sessions"), TEXT("registrations"),
        TEXT("listeners"), TEXT("holds"),    TEXT("connects"), CFG_END(),
};
static cfg_opt_t options[] = {
        TEXT("max-sessions"),
        TEXT("max-sessions-per-user"),
        TEXT("max-registrations-per-session"),
        TEXT("max-registrations-per-user"),
        TEXT("max-sessions-per-second"),
        TEXT("max-descriptors"),
        TEXT("log-level"),
        TEXT("admin-group"),
        LIST("name-servers"),
        TEXT("audit"),
        CFG_SEC("listener", listener_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
        CFG_SEC("policy", policy_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
        CFG_END(),
};

/* ---- Mistakes ---- */

enum {
        WORD_MAX = 40,    /* of a misspelt one that suggestions are sought for */
        DISTANCE_MAX = 3, /* changes that may be a slip */
};

/* Letters to change, add or drop to make one word of the other (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
        size_t row[WORD_MAX + 1], length = strlen(b);

        for (size_t j = 0; j <= length; j++)
                row[j] = j;
        for (size_t i = 1; a[i - 1]; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= length; j++) {
                        size_t best = diagonal + (a[i - 1] != b[j - 1]);

                        diagonal = row[j];
                        if (row[j] + 1 < best)
                                best = row[j] + 1;
                        if (row[j - 1] + 1 < best)
                                best = row[j - 1] + 1;
                        row[j] = best;
                }
        }
        return row[length];
}

/* What was meant, of the keys of this section; NULL if nothing is near. */
static const char *suggest(const cfg_t *section, const char *word)
{
        size_t least = DISTANCE_MAX + 1;
        const char *best = NULL;

        if (strlen(word) > WORD_MAX)
                return NULL;
        for (const cfg_opt_t *option = section->opts; option->name; option++) {
                size_t n;

                if (strlen(option->name) > WORD_MAX)
                        continue;
                n = distance(word, option->name);
                if (n < least && n < strlen(option->name)) {
                        least = n;
                        best = option->name;
                }
        }
        return best;
}

/* Where a key that is not known in this section is at home, or NULL. */
static const char *find_home(const char *word)
{
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                if (strcmp(keys[i].name, word) == 0)
                        return keys[i].section;
        }
        return NULL;
}

static void explain_unknown(const cfg_t *section, const char *word, char *out, size_t size)
{
        const char *home = find_home(word), *meant = suggest(section, word);

        if (home && strcmp(home, "root") == 0)
                snprintf(out, size, "\"%s\" does not belong in a block", word);
        else if (home)
                snprintf(out, size, "\"%s\" belongs in a %s block", word, home);
        else if (meant)
                snprintf(out, size, "unknown setting \"%s\": is it \"%s\"?", word, meant);
        else
                snprintf(out, size, "unknown setting \"%s\": see kyron-iod.conf(5)", word);
}

/* libconfuse's reader is one for the whole process. */
static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;
/* It says what is wrong with a file, and nothing where it has no memory. Under the lock. */
static bool has_said_why;

/* libconfuse's own way of telling would be standard error. */
static void on_error(cfg_t *section, const char *format, va_list args)
{
        static const char unknown[] = "no such option '", again[] = "found duplicate title '";
        char what[ERROR_TEXT_MAX], word[ERROR_TEXT_MAX];

        vsnprintf(what, sizeof(what), format, args);
        if (strncmp(what, unknown, strlen(unknown)) == 0) {
                strcpy(word, what + strlen(unknown));
                word[strcspn(word, "'")] = '\0';
                explain_unknown(section, word, what, sizeof(what));
        } else if (strncmp(what, again, strlen(again)) == 0) {
                strcpy(word, what + strlen(again));
                word[strcspn(word, "'")] = '\0';
                snprintf(what, sizeof(what), "\"%s\" is in this file already", word);
        }
        error_set(EINVAL, "%s:%d: %s", section->filename, section->line, what);
        has_said_why = true;
}

static const Key *find_key(const char *section, const char *name)
{
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
                        return &keys[i];
        }
        return NULL;
}

static int check_word(const Key *key, const char *text)
{
        const char *const *words = key->words;

        for (size_t i = 0; words[i]; i++) {
                if (strcmp(text, words[i]) == 0)
                        return 0;
        }
        return words[2] ? error_set(EINVAL, "%s takes %s, %s or %s, not \"%.80s\"", key->name,
                                    words[0], words[1], words[2], text)
                        : error_set(EINVAL, "%s takes %s or %s, not \"%.80s\"", key->name, words[0],
                                    words[1], text);
}

static int check_value(const Key *key, const char *text)
{
        PolicyAction action;
        uint32_t number;

        if (key->check)
                return key->check(text);
        if (key->is_pattern && policy_action_from_name(key->name, &action))
                return policy_check_pattern(action, text);
        if (key->max > 0)
                return options_read_number(key->name, text, key->min, key->max, &number);
        if (!key->words[0])
                return cfg_parse_boolean(text) == CFG_FAIL
                               ? error_set(EINVAL, "%s takes true or false, not \"%.80s\"",
                                           key->name, text)
                               : 0;
        return check_word(key, text);
}

/* Called for each value, of lists too, when it has been read. */
static int on_value(cfg_t *section, cfg_opt_t *option)
{
        const Key *key = find_key(section->name, option->name);
        const char *text =
                option->nvalues > 0 ? cfg_opt_getnstr(option, option->nvalues - 1) : NULL;

        if (!key || !text)
                return 0;
        if (key->values_max > 0 && option->nvalues > key->values_max)
                error_set(EINVAL, "%s takes at most %u addresses", key->name, key->values_max);
        else if (check_value(key, text) == 0)
                return 0;
        cfg_error(section, "%s", error_text());
        return -1;
}

static int no_memory(const char *path)
{
        return error_set(ENOMEM, "%s: there is no memory to read it", path);
}

/*
 * Whether there is as much memory as libconfuse takes for so long a text, and more. It ends
 * the process in some places where it gets none; so it is asked for before, and given back, where
 * other threads seldom take it meanwhile.
 */
static bool has_memory_for(size_t length)
{
        void *volatile memory = malloc(LEXER_BYTES + length * BYTES_OF_CHARACTER);

        free(memory);
        return memory != NULL;
}

/* Called under the lock. */
static int parse(const char *path, char *text, cfg_t **out)
{
        cfg_t *cfg = has_memory_for(strlen(text)) ? cfg_init(options, CFGF_NONE) : NULL;
        char name[64];
        FILE *file;
        int r = CFG_SUCCESS;

        if (!cfg)
                return no_memory(path);
        cfg_set_error_function(cfg, on_error);
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                bool is_root = strcmp(keys[i].section, "root") == 0;

                snprintf(name, sizeof(name), "%s%s%s", is_root ? "" : keys[i].section,
                         is_root ? "" : "|", keys[i].name);
                cfg_set_validate_func(cfg, name, on_value);
        }
        cfg->filename = strdup(path);
        if (*text) {
                file = fmemopen(text, strlen(text), "r");
                if (!file || !cfg->filename) {
                        if (file)
                                fclose(file);
                        cfg_free(cfg);
                        return no_memory(path);
                }
                has_said_why = false;
                r = cfg_parse_fp(cfg, file);
                fclose(file);
        }
        if (r != CFG_SUCCESS) {
                cfg_free(cfg);
                return has_said_why ? -EINVAL : no_memory(path);
        }
        *out = cfg;
        return 0;
}

int config_syntax_parse(const char *path, char *text, cfg_t **out)
{
        int r;

        pthread_mutex_lock(&reading);
        r = parse(path, text, out);
        pthread_mutex_unlock(&reading);
        return r;
}

/* ---- Values that have been checked ---- */

const char *config_syntax_text(cfg_t *section, const char *key)
{
        return cfg_size(section, key) > 0 ? cfg_getstr(section, key) : NULL;
}

void config_syntax_number(cfg_t *section, const char *key, uint32_t *out)
{
        const char *text = config_syntax_text(section, key);

        if (text)
                *out = (uint32_t)strtoul(text, NULL, 10);
}

void config_syntax_bool(cfg_t *section, const char *key, bool *out)
{
        const char *text = config_syntax_text(section, key);

        if (text)
                *out = cfg_parse_boolean(text) == 1;
}

void config_syntax_choice(cfg_t *section, const char *key, const char *word, bool *out)
{
        const char *text = config_syntax_text(section, key);

        if (text)
                *out = strcmp(text, word) == 0;
}
