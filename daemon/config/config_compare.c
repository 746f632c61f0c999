/* The difference between two configurations. See config.h. */
#include "daemon/config/config.h"

#include "core/error.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

enum {
        VALUE_MAX = ADDRESS_TEXT_MAX,
};

typedef void (*Tell)(void *data, const char *sentence);

typedef enum SettingKind {
        SETTING_NUMBER,
        SETTING_OCTAL,
        SETTING_WORD, /* a bool; words are what true and false are called */
        SETTING_TEXT,
        SETTING_ADDRESS,
        SETTING_LOG_LEVEL,
        SETTING_MODE, /* of the listener as a whole */
} SettingKind;

/* A setting, and where it is in its structure. */
typedef struct Setting {
        const char *key;
        SettingKind kind;
        size_t offset;
        const char *words[2];
} Setting;

static const Setting listener_settings[] = {
        {"address", SETTING_ADDRESS, offsetof(ListenerConfig, address)},
        {"mode", SETTING_MODE, 0},
        {"when", SETTING_WORD, offsetof(ListenerConfig, when_readable), {"readable", "accepted"}},
        {"balance",
         SETTING_WORD,
         offsetof(ListenerConfig, least_loaded),
         {"least-loaded", "round-robin"}},
        {"backlog", SETTING_NUMBER, offsetof(ListenerConfig, backlog)},
        {"v6-only", SETTING_WORD, offsetof(ListenerConfig, v6_only), {"true", "false"}},
        {"reuse-address", SETTING_WORD, offsetof(ListenerConfig, reuse_address), {"true", "false"}},
        {"nodelay", SETTING_WORD, offsetof(ListenerConfig, nodelay), {"true", "false"}},
        {"keepalive", SETTING_WORD, offsetof(ListenerConfig, keepalive), {"true", "false"}},
        {"silent-ms", SETTING_NUMBER, offsetof(ListenerConfig, silent_ms)},
        {"socket-mode", SETTING_OCTAL, offsetof(ListenerConfig, mode)},
};

static const Setting settings[] = {
        {"max-sessions", SETTING_NUMBER, offsetof(Config, sessions_max)},
        {"max-sessions-per-user", SETTING_NUMBER, offsetof(Config, sessions_per_user_max)},
        {"max-registrations-per-session", SETTING_NUMBER,
         offsetof(Config, registrations_per_session_max)},
        {"max-registrations-per-user", SETTING_NUMBER,
         offsetof(Config, registrations_per_user_max)},
        {"max-sessions-per-second", SETTING_NUMBER, offsetof(Config, sessions_per_second)},
        {"max-descriptors", SETTING_NUMBER, offsetof(Config, descriptors_max)},
        {"log-level", SETTING_LOG_LEVEL, offsetof(Config, log_level)},
        {"admin-group", SETTING_TEXT, offsetof(Config, admin_group)},
};

static void format_log_level(int level, char out[static VALUE_MAX])
{
        static const char *const names[] = {
                [LOG_ERR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
                [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
        };

        strcpy(out, names[level]);
}

static const char *mode_name(const ListenerConfig *listener)
{
        if (listener->metrics)
                return "metrics";
        return listener->shared ? "shared" : "take";
}

/* The setting's value as text. */
static void format(const Setting *setting, const void *of, char out[static VALUE_MAX])
{
        const void *value = (const char *)of + setting->offset;

        switch (setting->kind) {
        case SETTING_NUMBER:
                snprintf(out, VALUE_MAX, "%u", *(const uint32_t *)value);
                break;
        case SETTING_OCTAL:
                snprintf(out, VALUE_MAX, "%04o", *(const uint32_t *)value);
                break;
        case SETTING_WORD:
                strcpy(out, setting->words[*(const bool *)value ? 0 : 1]);
                break;
        case SETTING_TEXT:
                snprintf(out, VALUE_MAX, "%s", (const char *)value);
                break;
        case SETTING_ADDRESS:
                address_format(value, out);
                break;
        case SETTING_LOG_LEVEL:
                format_log_level(*(const int *)value, out);
                break;
        case SETTING_MODE:
                strcpy(out, mode_name(value));
                break;
        }
}

static void compare_setting(const Setting *setting, const char *prefix, const void *before,
                            const void *now, Tell tell, void *data)
{
        char was[VALUE_MAX], is[VALUE_MAX], sentence[2 * VALUE_MAX + ERROR_TEXT_MAX];

        format(setting, before, was);
        format(setting, now, is);
        if (strcmp(was, is) == 0)
                return;
        snprintf(sentence, sizeof(sentence), "%s%s %s, was %s", prefix, setting->key, is, was);
        tell(data, sentence);
}

static bool same_name_servers(const Config *a, const Config *b)
{
        if (a->n_name_servers != b->n_name_servers)
                return false;
        for (size_t i = 0; i < a->n_name_servers; i++) {
                char text_a[ADDRESS_TEXT_MAX], text_b[ADDRESS_TEXT_MAX];

                address_format(&a->name_servers[i], text_a);
                address_format(&b->name_servers[i], text_b);
                if (strcmp(text_a, text_b) != 0)
                        return false;
        }
        return true;
}

static const ListenerConfig *find_listener(const Config *config, const char *name)
{
        for (size_t i = 0; i < config->n_listeners; i++) {
                if (strcmp(config->listeners[i].name, name) == 0)
                        return &config->listeners[i];
        }
        return NULL;
}

static void tell_of_listener(const char *name, const char *what, Tell tell, void *data)
{
        char sentence[ERROR_TEXT_MAX];

        snprintf(sentence, sizeof(sentence), "listener %s: %s", name, what);
        tell(data, sentence);
}

static void compare_listeners(const Config *old_config, const Config *new_config, Tell tell,
                              void *data)
{
        for (size_t i = 0; i < old_config->n_listeners; i++) {
                const ListenerConfig *before = &old_config->listeners[i];
                const ListenerConfig *now = find_listener(new_config, before->name);
                char prefix[LISTENER_NAME_MAX + 16];

                if (!now) {
                        tell_of_listener(before->name, "removed", tell, data);
                        continue;
                }
                snprintf(prefix, sizeof(prefix), "listener %s: ", now->name);
                for (size_t j = 0; j < sizeof(listener_settings) / sizeof(listener_settings[0]);
                     j++)
                        compare_setting(&listener_settings[j], prefix, before, now, tell, data);
        }
        for (size_t i = 0; i < new_config->n_listeners; i++) {
                const char *name = new_config->listeners[i].name;

                if (!find_listener(old_config, name))
                        tell_of_listener(name, "added", tell, data);
        }
}

bool listener_config_same_socket(const ListenerConfig *a, const ListenerConfig *b)
{
        char address_a[ADDRESS_TEXT_MAX], address_b[ADDRESS_TEXT_MAX];

        address_format(&a->address, address_a);
        address_format(&b->address, address_b);
        return strcmp(address_a, address_b) == 0 && a->v6_only == b->v6_only;
}

void config_compare(const Config *old_config, const Config *new_config,
                    void (*tell)(void *data, const char *sentence), void *data)
{
        for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
                compare_setting(&settings[i], "", old_config, new_config, tell, data);
        if (!same_name_servers(old_config, new_config))
                tell(data, "name-servers changed");
        if (policy_is_audit(old_config->policy) != policy_is_audit(new_config->policy))
                tell(data, policy_is_audit(new_config->policy) ? "audit true, was false"
                                                               : "audit false, was true");
        compare_listeners(old_config, new_config, tell, data);
        policy_compare(old_config->policy, new_config->policy, tell, data);
}
