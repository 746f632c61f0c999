/* What a block of the configuration says. See config_block.h. */
#include "daemon/config/config_block.h"

#include "core/address_service.h"
#include "core/error.h"
#include "daemon/config/accounts.h"
#include "daemon/config/config_syntax.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Listeners ---- */

void listener_config_init(ListenerConfig *listener)
{
        *listener = (ListenerConfig){
                .shared = true,
                .reuse_address = true,
                .silent_ms = CONFIG_SILENT_MS,
                .keep_seconds = CONFIG_KEEP_SECONDS,
                .mode = CONFIG_SOCKET_MODE,
                .user = geteuid(),
        };
}

int config_block_listener(cfg_t *block, ListenerConfig *out)
{
        const char *title = cfg_title(block), *text = config_syntax_text(block, "address");
        int r = name_check_listener(title);

        if (r < 0)
                return r;
        if (!text)
                return error_set(EINVAL, "listener \"%s\" has no address", title);
        listener_config_init(out);
        strcpy(out->name, title);
        r = address_parse_asking(text, &out->address);
        if (r < 0)
                return r;
        config_syntax_choice(block, "mode", "metrics", &out->metrics);
        config_syntax_choice(block, "mode", "shared", &out->shared);
        out->shared = out->shared || out->metrics;
        config_syntax_choice(block, "when", "readable", &out->when_readable);
        config_syntax_choice(block, "balance", "least-loaded", &out->least_loaded);
        config_syntax_number(block, "backlog", &out->backlog);
        config_syntax_bool(block, "v6-only", &out->v6_only);
        config_syntax_bool(block, "reuse-address", &out->reuse_address);
        config_syntax_bool(block, "nodelay", &out->nodelay);
        config_syntax_bool(block, "keepalive", &out->keepalive);
        config_syntax_number(block, "silent-ms", &out->silent_ms);
        text = config_syntax_text(block, "socket-mode");
        if (text)
                out->mode = (uint32_t)strtoul(text, NULL, 8);
        return 0;
}

/* ---- Policies ---- */

/* A number stands for itself: users may come from elsewhere than this machine. */
static bool read_id(const char *text, uint32_t *out)
{
        return options_read_number("id", text, 0, UINT32_MAX - 1, out) == 0;
}

/* As they are known now. */
static int find_name(const char *what, const char *name, uint32_t *id)
{
        const bool is_user = strcmp(what, "user") == 0;
        int r;

        if (read_id(name, id))
                return 0;
        /* A number that is none stays so. */
        if (!*name || name[strspn(name, "0123456789")] == '\0')
                return error_set(EINVAL, "there is no %s \"%.80s\"", what, name);
        r = is_user ? accounts_find_user(name, id) : accounts_find_group(name, id);
        if (r == -ENOENT)
                error_set(ENOENT, "there is no %s \"%.80s\"", what, name);
        else if (r < 0)
                error_set(-r, "cannot look up the %s \"%.80s\": %s", what, name, strerror(-r));
        return r < 0 ? 1 : 0;
}

int config_block_find_whom(const char *title, PolicyWho *who, uint32_t *id)
{
        int r;

        *id = 0;
        *who = POLICY_EVERYONE;
        if (strcmp(title, "user:*") == 0)
                return 0;
        if (strncmp(title, "user:", 5) == 0) {
                r = find_name("user", title + 5, id);
                *who = POLICY_USER;
        } else if (strncmp(title, "group:", 6) == 0) {
                r = find_name("group", title + 6, id);
                *who = POLICY_GROUP;
        } else {
                r = error_set(EINVAL,
                              "a policy is for \"user:NAME\", \"group:NAME\" or \"user:*\", not "
                              "\"%.80s\"",
                              title);
        }
        if (r > 0)
                *who = POLICY_UNKNOWN;
        return r;
}

int config_block_policy(cfg_t *block, Policy *policy)
{
        PolicyRule *rule;
        PolicyWho who;
        uint32_t id, value = 0;
        int whom = config_block_find_whom(cfg_title(block), &who, &id), r;

        if (whom < 0)
                return whom;
        r = policy_add_rule(policy, who, id, cfg_title(block), &rule);
        for (int i = 0; i < POLICY_ACTION_COUNT && r == 0; i++) {
                const char *key = policy_action_name((PolicyAction)i);

                for (unsigned j = 0; j < cfg_size(block, key) && r == 0; j++)
                        r = policy_rule_allow(rule, (PolicyAction)i, cfg_getnstr(block, key, j));
        }
        for (int i = 0; i < POLICY_LIMIT_COUNT && r == 0; i++) {
                const char *key = policy_limit_name((PolicyLimit)i);

                if (cfg_size(block, key) == 0)
                        continue;
                config_syntax_number(block, key, &value);
                policy_rule_set_limit(rule, (PolicyLimit)i, value);
        }
        return r < 0 ? r : whom;
}

int config_block_allow_own_user(Policy *policy)
{
        static const struct {
                PolicyAction action;
                const char *pattern;
        } all[] = {
                {POLICY_LISTEN, "tcp:*:*"}, {POLICY_LISTEN, "unix:*"}, {POLICY_CONNECT, "tcp:*:*"},
                {POLICY_BIND, "udp:*:*"},   {POLICY_SERVE, "*"},       {POLICY_HOLD, "*"},
        };
        char title[32];
        PolicyRule *rule;
        int r;

        snprintf(title, sizeof(title), "user:%u", geteuid());
        r = policy_add_rule(policy, POLICY_USER, geteuid(), title, &rule);
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && r == 0; i++)
                r = policy_rule_allow(rule, all[i].action, all[i].pattern);
        return r;
}
