/* The configuration, from its files. See config.h. */
#include "daemon/config/config.h"

#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/config/config_block.h"
#include "daemon/config/config_syntax.h"
#include "daemon/config/config_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* The files being read, one after the other. */
typedef struct Reader {
        Config *config;
        char **places; /* of config->listeners: "FILE:LINE" */
        const char *path;
        const char *text;
} Reader;

static int no_memory(void)
{
        return error_set(ENOMEM, "there is no memory for the configuration");
}

/* The line where a block begins; libconfuse knows where it ends. */
static int block_line(const Reader *reader, cfg_t *block)
{
        int line = config_text_find_block(reader->text, cfg_name(block), cfg_title(block));

        return line > 0 ? line : block->line;
}

/* Says what error_text() says, of a block. */
static int block_mistake(const Reader *reader, cfg_t *block, int r)
{
        char what[ERROR_TEXT_MAX];

        strcpy(what, error_text());
        return error_set(-r, "%s:%d: %s", reader->path, block_line(reader, block), what);
}

static int read_listener(Reader *reader, cfg_t *block)
{
        Config *config = reader->config;
        size_t n = config->n_listeners;
        ListenerConfig *listeners;
        char **places;
        int r;

        listeners = reallocarray(config->listeners, n + 1, sizeof(*listeners));
        if (!listeners)
                return no_memory();
        config->listeners = listeners;
        places = reallocarray(reader->places, n + 1, sizeof(*places));
        if (!places)
                return no_memory();
        reader->places = places;
        r = config_block_listener(block, &listeners[n]);
        for (size_t i = 0; i < n && r == 0; i++) {
                if (strcmp(listeners[i].name, listeners[n].name) == 0)
                        r = error_set(EINVAL, "listener \"%s\" is in %s already", listeners[n].name,
                                      places[i]);
        }
        if (r < 0)
                return block_mistake(reader, block, r);
        if (asprintf(&places[n], "%s:%d", reader->path, block_line(reader, block)) < 0)
                return no_memory();
        config->n_listeners++;
        return 0;
}

/* Keeps a sentence. It is the configuration's then, also if it fails. */
static int add_warning(Config *config, char *take_text)
{
        char **warnings = reallocarray(config->warnings, config->n_warnings + 1, sizeof(*warnings));

        if (!warnings) {
                free(take_text);
                return no_memory();
        }
        config->warnings = warnings;
        warnings[config->n_warnings++] = take_text;
        return 0;
}

/* Keeps what error_text() says, of a block. */
static int block_warning(const Reader *reader, cfg_t *block)
{
        char *text;

        if (asprintf(&text, "%s:%d: %s: the policy is for nobody now", reader->path,
                     block_line(reader, block), error_text()) < 0)
                return no_memory();
        return add_warning(reader->config, text);
}

static int read_policy(Reader *reader, cfg_t *block)
{
        int r = config_block_policy(block, reader->config->policy);

        if (r < 0)
                return block_mistake(reader, block, r);
        reader->config->n_policies++;
        return r > 0 ? block_warning(reader, block) : 0;
}

/* ---- The rest ---- */

static void read_name_servers(Config *config, cfg_t *cfg)
{
        unsigned n = cfg_size(cfg, "name-servers");

        if (n == 0)
                return;
        config->n_name_servers = 0;
        for (unsigned i = 0; i < n && i < CONFIG_NAME_SERVERS_MAX; i++) {
                Address *server = &config->name_servers[config->n_name_servers];

                if (config_syntax_name_server(cfg_getnstr(cfg, "name-servers", i), server) == 0)
                        config->n_name_servers++;
        }
}

static void read_settings(Config *config, cfg_t *cfg)
{
        const char *text;
        bool audit = policy_is_audit(config->policy);

        config_syntax_number(cfg, "max-sessions", &config->sessions_max);
        config_syntax_number(cfg, "max-sessions-per-user", &config->sessions_per_user_max);
        config_syntax_number(cfg, "max-registrations-per-session",
                             &config->registrations_per_session_max);
        config_syntax_number(cfg, "max-registrations-per-user",
                             &config->registrations_per_user_max);
        config_syntax_number(cfg, "max-sessions-per-second", &config->sessions_per_second);
        config_syntax_number(cfg, "max-descriptors", &config->descriptors_max);
        config_syntax_bool(cfg, "audit", &audit);
        policy_set_audit(config->policy, audit);
        text = config_syntax_text(cfg, "log-level");
        if (text)
                options_read_log_level("log-level", text, &config->log_level);
        text = config_syntax_text(cfg, "admin-group");
        if (text)
                strcpy(config->admin_group, text);
        read_name_servers(config, cfg);
}

static int read_file(Reader *reader, const char *path)
{
        CLEANUP(cleanup_free) char *text = NULL;
        cfg_t *cfg;
        int r;

        r = config_text_read(path, &text);
        if (r < 0)
                return r;
        r = config_syntax_parse(path, text, &cfg);
        if (r < 0)
                return r;
        reader->path = path;
        reader->text = text;
        read_settings(reader->config, cfg);
        for (unsigned i = 0; i < cfg_size(cfg, "listener") && r == 0; i++)
                r = read_listener(reader, cfg_getnsec(cfg, "listener", i));
        for (unsigned i = 0; i < cfg_size(cfg, "policy") && r == 0; i++)
                r = read_policy(reader, cfg_getnsec(cfg, "policy", i));
        cfg_free(cfg);
        return r;
}

/* ---- conf.d ---- */

static int is_drop_in(const struct dirent *entry)
{
        size_t length = strlen(entry->d_name);

        return entry->d_name[0] != '.' && length > 5 &&
               strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* By bytes and not by the locale, so that the order is the same for everyone. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

/* One that is gone since the directory was read, or leads to nothing, is left out. */
static int read_drop_in(Reader *reader, const char *directory, const char *name)
{
        CLEANUP(cleanup_free) char *file = NULL;
        char *text;
        int r;

        if (asprintf(&file, "%s/%s", directory, name) < 0) {
                file = NULL;
                return no_memory();
        }
        r = read_file(reader, file);
        if (r != -ENOENT)
                return r;
        if (asprintf(&text, "%s: the file is left out", error_text()) < 0)
                return no_memory();
        return add_warning(reader->config, text);
}

static int read_drop_ins(Reader *reader, const char *path)
{
        CLEANUP(cleanup_close) int fd = -1;
        CLEANUP(cleanup_free) char *directory = NULL;
        const char *slash = strrchr(path, '/');
        struct dirent **entries;
        int n, r;

        if (asprintf(&directory, "%.*sconf.d", slash ? (int)(slash + 1 - path) : 0, path) < 0) {
                directory = NULL;
                return no_memory();
        }
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : error_set(errno, "%s: %s", directory, strerror(errno));
        r = config_text_check_owner(directory, fd);
        if (r < 0)
                return r;
        n = scandir(directory, &entries, is_drop_in, by_name);
        if (n < 0)
                return error_set(errno, "%s: %s", directory, strerror(errno));
        for (int i = 0; i < n; i++) {
                if (r == 0)
                        r = read_drop_in(reader, directory, entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
        return r;
}

/* ---- All of it ---- */

static int read_all(Reader *reader, const char *path, bool must_exist, bool is_private)
{
        int r;

        if (strcmp(path, "/dev/null") == 0)
                path = ""; /* to have none */
        r = *path ? read_file(reader, path) : 0;
        if (r == -ENOENT && !must_exist)
                r = 0;
        if (r == 0 && *path)
                r = read_drop_ins(reader, path);
        if (r == 0 && is_private && reader->config->n_policies == 0)
                r = config_block_allow_own_user(reader->config->policy);
        return r;
}

static void set_default_limits(Config *config)
{
        policy_set_default_limit(config->policy, POLICY_SESSIONS, config->sessions_per_user_max);
        policy_set_default_limit(config->policy, POLICY_REGISTRATIONS,
                                 config->registrations_per_user_max);
}

int config_load(Config **out, const char *path, bool must_exist, bool is_private)
{
        Reader reader = {.config = calloc(1, sizeof(Config))};
        Config *config = reader.config;
        int r;

        if (!config)
                return no_memory();
        *config = (Config){
                .sessions_max = OPTIONS_SESSIONS_MAX,
                .sessions_per_user_max = OPTIONS_SESSIONS_PER_USER_MAX,
                .registrations_per_session_max = OPTIONS_REGISTRATIONS_PER_SESSION_MAX,
                .registrations_per_user_max = OPTIONS_REGISTRATIONS_PER_USER_MAX,
                .sessions_per_second = CONFIG_SESSIONS_PER_SECOND,
                .descriptors_max = CONFIG_DESCRIPTORS_MAX,
                .log_level = LOG_INFO,
                .admin_group = KYRON_ADMIN_GROUP,
        };
        r = policy_new(&config->policy);
        if (r == 0)
                r = read_all(&reader, path, must_exist, is_private);
        for (size_t i = 0; reader.places && i < config->n_listeners; i++)
                free(reader.places[i]);
        free(reader.places);
        if (r < 0) {
                config_free(config);
                return r;
        }
        set_default_limits(config);
        *out = config;
        return 0;
}

Config *config_free(Config *config)
{
        if (!config)
                return NULL;
        for (size_t i = 0; i < config->n_warnings; i++)
                free(config->warnings[i]);
        free(config->warnings);
        free(config->listeners);
        policy_free(config->policy);
        free(config);
        return NULL;
}

void config_settle(Config *config, Options *options)
{
        const struct {
                OptionsGiven given;
                uint32_t *option, *setting;
        } limits[] = {
                {OPTIONS_GIVEN_SESSIONS, &options->sessions_max, &config->sessions_max},
                {OPTIONS_GIVEN_SESSIONS_PER_USER, &options->sessions_per_user_max,
                 &config->sessions_per_user_max},
                {OPTIONS_GIVEN_REGISTRATIONS_PER_SESSION, &options->registrations_per_session_max,
                 &config->registrations_per_session_max},
                {OPTIONS_GIVEN_REGISTRATIONS_PER_USER, &options->registrations_per_user_max,
                 &config->registrations_per_user_max},
        };

        for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
                if (options->given & limits[i].given)
                        *limits[i].setting = *limits[i].option;
                else
                        *limits[i].option = *limits[i].setting;
        }
        if (options->given & OPTIONS_GIVEN_LOG_LEVEL)
                config->log_level = options->log_level;
        if (options->given & OPTIONS_GIVEN_ADMIN_GROUP)
                snprintf(config->admin_group, sizeof(config->admin_group), "%s",
                         options->admin_group);
        options->log_level = config->log_level;
        set_default_limits(config);
}
