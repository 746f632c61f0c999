libdaemon_la_SOURCES += \
	daemon/config/absolute_path.c \
	daemon/config/absolute_path.h \
	daemon/config/accounts.c \
	daemon/config/accounts.h \
	daemon/config/admin_group.c \
	daemon/config/admin_group.h \
	daemon/config/authorise.c \
	daemon/config/authorise.h \
	daemon/config/config.c \
	daemon/config/config.h \
	daemon/config/config_block.c \
	daemon/config/config_block.h \
	daemon/config/config_check.c \
	daemon/config/config_check.h \
	daemon/config/config_compare.c \
	daemon/config/config_syntax.c \
	daemon/config/config_syntax.h \
	daemon/config/config_text.c \
	daemon/config/config_text.h \
	daemon/config/options.c \
	daemon/config/options.h \
	daemon/config/policy.c \
	daemon/config/policy.h \
	daemon/config/policy_rule.c \
	daemon/config/policy_rule.h \
	daemon/config/policy_words.c \
	daemon/config/policy_words.h
